"""Figures of the question `patching`: which activations carry the answer, what adds to its logit.

Each figure has its file; `FIGURES` declares them. May import analyses.patching.schema, analyses.tables and
figures.drawing.
"""

from analyses.patching import schema as patching
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="patching",
        shows="which activations of one pair bring its answer into the run of another, through training",
        draws="patching.recovered_sites",
        tables=(patching.PATCHES,),
        recipe="modadd_fast",
        after_analysis=True,
    ),
    FigureSpec(
        name="attribution",
        shows="what each frequency adds to the logits of the right answer, its ghosts and its neighbors",
        draws="patching.attributed_logits",
        tables=(patching.ATTRIBUTION,),
        recipe="modadd_fast",
        after_analysis=True,
    ),
)
