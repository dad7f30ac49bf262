"""Question `norms`: at which L1 and L2 norms networks generalise.

`schema` declares the tables, `command` measures them, `generalization_zone` compares networks, `summary`
prints. May import interp, training, and the folders loading, running and tables of analyses; no other
question.
"""

from analyses.norms.schema import ANALYSIS

__all__ = ["ANALYSIS"]
