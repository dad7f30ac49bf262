"""Figures of the question `stitching`: neurons read by other networks' output maps.

Each figure has its file; `FIGURES` declares them. May import analyses.stitching.schema, analyses.tables and
figures.drawing.
"""

from analyses.stitching import schema as stitching
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="stitching",
        shows="accuracy of a ticket's neurons under the dense network's output map, over training and beside "
        "all controls",
        draws="stitching.read_neurons",
        tables=(stitching.STITCHING,),
        recipe="modadd_ticket",
        after_analysis=True,
    ),
)
