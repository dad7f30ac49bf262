"""Question `stitching`: one network's neurons read by another network's output map.

`schema` declares the table, `command` measures it: `neuron_layers` has the neurons and output maps of all
checkpoints, `readers` chooses who reads whom, `checkpoint_scores` scores one checkpoint, `tables` makes rows,
`summary` prints. May import interp, training, and the folders loading, running and tables of analyses; no
other question.
"""

from analyses.stitching.schema import ANALYSIS

__all__ = ["ANALYSIS"]
