"""Question `ablation`: which neurons, heads and frequencies a network needs.

`schema` declares the tables, `command` measures them, one checkpoint at a time by `checkpoint_removals`,
with `pair_network` (activations on the task's pairs), `attention_removals` and `circuits`; `measured_rows`
makes tables, `summary` prints. May import interp, training, and the folders loading, running and tables of
analyses; no other question.
"""

from analyses.ablation.schema import ANALYSIS

__all__ = ["ANALYSIS"]
