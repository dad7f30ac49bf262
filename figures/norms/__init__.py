"""Figures of norms of weights."""

from analyses.norms import schema as norms
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="norm_paths",
        shows="L1 and L2 of the kept weights through training, and in their plane",
        draws="norms.norm_paths",
        tables=(norms.NORMS, norms.ENDS, norms.SPREAD),
        paper="Minegishi et al.: L1 and L2",
        recipe="m_norms",
    ),
    FigureSpec(
        name="norms",
        shows="L1 and L2 of the kept weights through training, and in their plane",
        draws="norms.norm_paths",
        tables=(norms.NORMS, norms.ENDS, norms.SPREAD),
        after_analysis=True,
    ),
)
