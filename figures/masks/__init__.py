"""Figures of change and overlap of masks.

Imports figures.drawing, and the schema of analyses.masks.
"""

from analyses.masks import schema as masks
from figures.drawing.figure_option import FigureOption
from figures.drawing.figure_spec import FigureSpec

_SEEDS = FigureOption(name="seeds", about="seeds with panels of their own", default=3, least=1, most=6)

FIGURES = (
    FigureSpec(
        name="masks_mlp",
        shows="change of the dense network's mask by layer, its gain in accuracy, and densities",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance",
        recipe="modadd_ticket",
        options=(_SEEDS,),
    ),
    FigureSpec(
        name="masks_parity",
        shows="change of the dense network's mask on parity, its gain in accuracy, and densities",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance, parity",
        recipe="m_parity",
        options=(_SEEDS,),
    ),
    FigureSpec(
        name="masks_polynomial",
        shows="change of the dense network's mask on the polynomial, its fall in loss, and densities",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance, polynomial",
        recipe="m_polynomial",
        options=(_SEEDS,),
    ),
    FigureSpec(
        name="mask_overlap",
        shows="overlap of the arms' last masks, its chance level, and the excess",
        draws="masks.mask_overlap",
        tables=(masks.OVERLAP,),
        recipe="filan_overlap",
        after_analysis=True,
    ),
    FigureSpec(
        name="masks",
        shows="change of the dense network's mask by layer, its gain on the test set, and densities",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        after_analysis=True,
        options=(_SEEDS,),
    ),
)
