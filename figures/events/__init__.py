"""Figure of the question `events`: test examples since each event in the middle of a training.

`FIGURES` declares it. May import analyses.events.schema, analyses.tables and figures.drawing.
"""

from analyses.events import schema as events
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="events",
        shows="test accuracy since each event in the middle of a training, beside the reference's",
        draws="events.since_event",
        tables=(events.CURVES,),
        recipe="forbidden_frequencies",
        after_analysis=True,
    ),
)
