"""Handing on of runs: archives, their verification, the union of two runs, weights for other code.

May import every folder of `training` but `adopt`, `api`, `bench` and the commands; `training` exports its
functions.
"""
