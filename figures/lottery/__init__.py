"""Figures of the question `lottery`: how initial weights decide frequencies.

Each figure has its file; `FIGURES` declares them. May import analyses.lottery.schema, analyses.tables and
figures.drawing.
"""

from analyses.lottery import schema as lottery
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="lottery",
        shows="a neuron's frequencies through training, blow-up times, and rules that predict the winner",
        draws="lottery.frequency_lottery",
        tables=(lottery.RULES, lottery.RACE, lottery.TIMES, lottery.EQUAL),
        paper="He et al.: lottery",
        recipe="h_quad",
        after_analysis=True,
    ),
)
