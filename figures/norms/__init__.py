"""Figures of weight norms.

Imports figures.drawing, and the schema of analyses.norms.
"""

from analyses.norms import schema as norms
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="norm_paths",
        shows="L2 and L1 norms of the kept weights through training, and one against the other",
        draws="norms.norm_paths",
        tables=(norms.NORMS, norms.ENDS, norms.SPREAD),
        paper="Minegishi et al.: L1 and L2",
        recipe="m_norms",
    ),
    FigureSpec(
        name="norms",
        shows="L2 and L1 norms of the kept weights through training, and one against the other",
        draws="norms.norm_paths",
        tables=(norms.NORMS, norms.ENDS, norms.SPREAD),
        after_analysis=True,
    ),
)
