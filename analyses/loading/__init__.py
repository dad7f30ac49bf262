"""Loading: a run's networks, their outcomes and landmark checkpoints.

May import `interp`, `training` and `analyses.tables`.
"""
