"""Question `lottery`: whether initial weights decide each neuron's final frequency.

`schema` declares the tables, `command` measures them, `tables` fills them, `summary` prints them. May import
interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.lottery.schema import ANALYSIS

__all__ = ["ANALYSIS"]
