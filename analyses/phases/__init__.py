"""Phase alignment, phase symmetry and frequencies of the neurons.

`schema` declares the tables, `command` measures them, `summary` prints them. Imports `interp`, `training` and
the folders `loading`, `running` and `tables` of `analyses`; no other question.
"""
