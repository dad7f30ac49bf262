"""Figure of the question `steering`: answers after some frequencies of an input were moved.

`FIGURES` declares it. May import analyses.steering.schema, analyses.tables and figures.drawing.
"""

from analyses.steering import schema as steering
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="steering",
        shows="how many frequencies of an input must be moved for the answer to follow",
        draws="steering.steered_answers",
        tables=(steering.SIZES, steering.MEANS, steering.STEPS),
        recipe="modadd_fast",
        after_analysis=True,
    ),
)
