"""Figure of a comparison: time to generalise of the arms of several runs.

Imports figures.drawing, and the schema of analyses.compare.
"""

from analyses.compare import schema as compare
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="compare",
        shows="time to generalise of the arms of several runs",
        draws="compare.arms_of_runs",
        tables=(compare.COMPARE, compare.NETWORKS),
        after_analysis=True,
    ),
)
