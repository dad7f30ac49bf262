"""Figures of graphs of masks.

`FIGURES` declares them; each is drawn by the module that its `draws` names, from tables of
`analyses.graph_props`. May import `analyses.graph_props.schema`, `analyses.tables` and `figures.drawing`.
"""

from analyses.graph_props import schema as graph_props
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="graph_properties",
        shows="graph properties of every mask, compared with random masks",
        draws="graph_props.graph_properties",
        tables=(graph_props.PROPERTIES,),
        paper="Minegishi et al.: graph properties",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="graph_layers",
        shows="spectra of every layer's mask, compared with random masks",
        draws="graph_props.layer_spectra",
        tables=(graph_props.PROPERTIES,),
        paper="Minegishi et al.: graph properties per layer",
        recipe="modadd_ticket",
        after_analysis=True,
    ),
    FigureSpec(
        name="graph_props",
        shows="graph properties of every mask, compared with random masks",
        draws="graph_props.graph_properties",
        tables=(graph_props.PROPERTIES,),
        after_analysis=True,
    ),
)
