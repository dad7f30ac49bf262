"""What an arm is made from: initial weights, mask, and what its events read of other arms.

`reasons` words why an arm is skipped. May import what `training.execution` may, but nothing of it.
"""
