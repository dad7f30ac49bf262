"""Question `leakage`: how far a ReLU neuron's growth leaks into harmonics.

`schema` declares the tables, `tables` measures them, `summary` prints, `command` is the command line. May
import interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.leakage.schema import ANALYSIS

__all__ = ["ANALYSIS"]
