"""Question `leakage`: how much of a ReLU neuron's growth goes into harmonics.

`schema` declares the tables, `command` measures them, `tables` fills them, `summary` prints them. May import
interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.leakage.schema import ANALYSIS

__all__ = ["ANALYSIS"]
