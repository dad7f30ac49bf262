"""Figures of the decoupled gradient flow."""

from analyses.flow import schema as flow
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="flow",
        shows="the decoupled flow against gradient descent, where they part and why, and the invariants",
        draws="flow.gradient_flow",
        tables=(flow.DEVIATIONS, flow.INVARIANTS, flow.NEURONS),
        paper="He et al.: decoupled gradient flow",
        recipe="h_quad_single_freq",
        after_analysis=True,
    ),
)
