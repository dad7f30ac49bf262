"""Three stages of grokking, and accuracy by class of pairs.

`schema` declares the tables, `command` and `tables` measure them, `summary` prints them. Imports `interp`,
`training` and the folders `loading`, `running` and `tables` of `analyses`; no other question.
"""
