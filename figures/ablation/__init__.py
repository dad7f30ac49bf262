"""Figures of the question `ablation`: what networks lose without parts of them.

Each figure has its file; `FIGURES` declares them. May import analyses.ablation.schema, analyses.tables and
figures.drawing.
"""

from analyses.ablation import schema as ablation
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="frequency_importance",
        shows="what the loss gains without each frequency over training, beside the frequency's power",
        draws="ablation.frequency_importance",
        tables=(ablation.FREQUENCIES, ablation.AGREEMENT),
        recipe="modadd_fast",
        after_analysis=True,
    ),
    FigureSpec(
        name="smallest_circuit",
        shows="accuracy of few frequencies alone, by greedy and random order, and the loss without them",
        draws="ablation.smallest_circuit",
        tables=(ablation.CIRCUITS, ablation.SETS),
        recipe="modadd_fast",
        after_analysis=True,
    ),
)
