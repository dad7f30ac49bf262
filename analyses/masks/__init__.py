"""Question `masks`: which weights masks keep, when they change, which of them overlap.

`schema` declares the tables, `command` measures them, `turnover`, `overlap` and `frozen_weights` fill them,
`summary` prints. May import interp, training, and the folders loading, running and tables of analyses; no
other question.
"""

from analyses.masks.schema import ANALYSIS

__all__ = ["ANALYSIS"]
