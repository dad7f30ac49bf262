"""Question `patching`: which activations carry an answer, and what adds to its logit.

`schema` declares the tables, `command` measures them network by network, with `sites` (activations put into
another run), `attributed_logits` and `tables`; `summary` prints. May import interp, training, and the folders
loading, running and tables of analyses; no other question.
"""

from analyses.patching.schema import ANALYSIS

__all__ = ["ANALYSIS"]
