"""Figures of the question `flow`: training against the decoupled gradient flow.

Each figure has its file; `FIGURES` declares them. May import analyses.flow.schema, analyses.tables and
figures.drawing.
"""

from analyses.flow import schema as flow
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="flow",
        shows="the decoupled flow against gradient descent, where they differ and why, and the invariants",
        draws="flow.gradient_flow",
        tables=(flow.DEVIATIONS, flow.INVARIANTS, flow.NEURONS),
        paper="He et al.: decoupled gradient flow",
        recipe="h_quad_single_freq",
        after_analysis=True,
    ),
)
