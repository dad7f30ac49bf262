"""Figures of turnover and overlap of masks."""

from analyses.masks import schema as masks
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="masks_mlp",
        shows="turnover of the mask in every layer beside the gain in accuracy",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="masks_parity",
        shows="the same for parity",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance, parity",
        recipe="m_parity",
    ),
    FigureSpec(
        name="masks_polynomial",
        shows="the same for the polynomial",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        paper="Minegishi et al.: Jaccard distance, polynomial",
        recipe="m_polynomial",
    ),
    FigureSpec(
        name="mask_overlap",
        shows="overlap of the masks that different methods find, beside chance",
        draws="masks.mask_overlap",
        tables=(masks.OVERLAP,),
        recipe="filan_overlap",
        after_analysis=True,
    ),
    FigureSpec(
        name="masks",
        shows="turnover of the dense network's mask beside its gain in accuracy; densities",
        draws="masks.mask_turnover",
        tables=(masks.DISTANCES, masks.PEAKS, masks.DENSITY),
        after_analysis=True,
    ),
)
