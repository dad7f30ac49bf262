"""Checks of a recipe's fields against each other.

May import `training.schema`, `training.models`, `training.pruning` and `training.optimization`.
"""
