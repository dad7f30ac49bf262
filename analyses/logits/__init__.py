"""Flawed indicator in the logits, and vote of the neurons.

`schema` declares the tables, `command` and `majority_vote` measure them, `summary` prints them. Imports
`interp`, `training` and the folders `loading`, `running` and `tables` of `analyses`; no other question.
"""
