"""Arms from their start to DONE, and beyond.

`starting_point` makes initial weights and mask, `training_loop` trains a group of arms. `statuses` says what
a finished arm lacks: `extension` trains it on under a larger budget, `added_checkpoints` saves more of it.
`replay` compares an arm with the code that is here. May import what `training.execution` may, but nothing of
it.
"""
