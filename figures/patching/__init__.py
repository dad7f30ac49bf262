"""Figures of the question `patching`: which activations carry the answer, what adds to its logit.

Each figure has its file; `FIGURES` declares them. May import analyses.patching.schema, analyses.tables and
figures.drawing.
"""

FIGURES = ()
