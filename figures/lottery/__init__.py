"""Figures of the lottery of frequencies."""

from analyses.lottery import schema as lottery
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="lottery",
        shows="a neuron's frequencies racing, blow-up times, and rules that tell the winner",
        draws="lottery.frequency_lottery",
        tables=(lottery.RULES, lottery.RACE, lottery.TIMES, lottery.EQUAL),
        paper="He et al.: lottery",
        recipe="h_quad",
        after_analysis=True,
    ),
)
