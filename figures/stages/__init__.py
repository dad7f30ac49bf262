"""Figures of the stages of grokking.

Each file draws figures from tables of `analyses.stages`; `FIGURES` declares them. Imports that schema,
`analyses.tables` and `figures.drawing`.
"""

from analyses.stages import schema as stages
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="grokking_stages",
        shows="loss, accuracy, norm, IPR and alignment through three stages, and which pairs are known when",
        draws="stages.grokking_stages",
        tables=(stages.CURVES, stages.CLASSES, stages.ENDS),
        paper="He et al.: grokking, memorisation of common and rare pairs",
        recipe="h_grokking",
    ),
    FigureSpec(
        name="stages",
        shows="three stages of grokking, and which pairs the network knows in each",
        draws="stages.grokking_stages",
        tables=(stages.CURVES, stages.CLASSES, stages.ENDS),
        after_analysis=True,
    ),
)
