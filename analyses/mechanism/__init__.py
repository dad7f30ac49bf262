"""Question `mechanism`: frequencies that a ticket inherits from its dense network.

`schema` declares the tables, `command` measures them, `tables` fills them, `summary` prints them. May import
interp, training, and the folders loading, running and tables of analyses; no other question.
"""

from analyses.mechanism.schema import ANALYSIS

__all__ = ["ANALYSIS"]
