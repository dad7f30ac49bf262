"""Question: how much earlier does each arm memorise and generalise?

`schema` declares the tables, `command` and `comparisons` and `accuracy_at_steps` make them, `summary` prints
them. Imports `interp`, `training` and the folders `loading`, `running` and `tables` of `analyses`; no other
question.
"""
