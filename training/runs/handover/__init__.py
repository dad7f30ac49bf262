"""Hand-over of runs: archives, verification, unions, weights for other code.

May import every folder of `training` but `adopt`, `api`, `bench` and the commands; `training` exports its
functions.
"""
