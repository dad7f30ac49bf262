"""Figures of graphs of masks."""

from analyses.graph_props import schema as graph_props
from figures.drawing.figure_spec import FigureSpec

FIGURES = (
    FigureSpec(
        name="graph_properties",
        shows="graph properties of every mask beside their nulls",
        draws="graph_props.graph_properties",
        tables=(graph_props.PROPERTIES,),
        paper="Minegishi et al.: graph properties",
        recipe="modadd_ticket",
    ),
    FigureSpec(
        name="graph_layers",
        shows="spectra of every layer's mask beside their nulls",
        draws="graph_props.layer_spectra",
        tables=(graph_props.PROPERTIES,),
        paper="Minegishi et al.: graph properties per layer",
        recipe="modadd_ticket",
        after_analysis=True,
    ),
    FigureSpec(
        name="graph_props",
        shows="graph properties of every mask beside their nulls",
        draws="graph_props.graph_properties",
        tables=(graph_props.PROPERTIES,),
        after_analysis=True,
    ),
)
