"""Question `progress`: how far a network's circuit has formed at every checkpoint.

`schema` declares the tables, `command` measures them, one checkpoint at a time by `checkpoint_measures`;
`loss_falls` dates the losses' falls, `summary` prints. May import interp, training, and the folders loading,
running and tables of analyses; no other question.
"""

from analyses.progress.schema import ANALYSIS

__all__ = ["ANALYSIS"]
