"""Figure of a sweep: time to generalise over the fields that it varies.

Imports figures.drawing, and the schema of analyses.sweep.
"""

from analyses.sweep import schema as sweep
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="sweep",
        shows="time to generalise over the fields that a sweep varies, of dense networks and of tickets",
        draws="sweep.phase_map",
        tables=(sweep.CELLS, sweep.SWEEP),
        recipe="modadd_sweep",
        after_analysis=True,
    ),
)
