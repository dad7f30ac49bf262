"""Question `flow`: how long the decoupled gradient flow agrees with training.

`schema` declares the tables, `command` measures them, `tables` fills them, `summary` prints them. May import
interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.flow.schema import ANALYSIS

__all__ = ["ANALYSIS"]
