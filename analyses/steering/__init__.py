"""Question `steering`: do a few frequencies of the embedding carry an input?

`schema` declares the tables, `command` measures them network by network, with `steered_answers` (answers
after frequencies of one input were moved) and `tables`; `summary` prints. May import interp, training, and
the folders loading, running and tables of analyses; no other question.
"""

from analyses.steering.schema import ANALYSIS

__all__ = ["ANALYSIS"]
