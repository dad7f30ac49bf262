"""Distances, clustering and degrees of mask graphs beside their nulls, in both constructions."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.graph_props.null_panels import caption, legend, value_panel, z_panel

TABLES = ("",)
STATISTICS = {
    "average_path_length": "path length",
    "latapy_clustering": "Latapy clustering",
    "robins_alexander_clustering": "Robins–Alexander",
    "degree_cv": "CV of degrees",
}
OF_TRIANGLES = {"latapy_clustering": ("average_clustering", "triangle clustering")}
"""What stands in place of a bipartite coefficient where the graph is not bipartite."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Per construction a row of values and, with nulls, a row of z."""
    table = tables[""]
    table = table[table["where"].isin(["layered", "folded"])]
    constructions = list(dict.fromkeys(table["where"]))
    with_nulls = bool((table["density_n"] > 0).any())
    kinds = ("value", "z") if with_nulls else ("value",)
    rows = [(construction, kind) for construction in constructions for kind in kinds]
    size = (DOUBLE, 0.5 + 1.5 * len(rows))
    figure, axes = plt.subplots(len(rows), len(STATISTICS), figsize=size, squeeze=False)
    drawing = Drawing(figure)
    for (construction, kind), line in zip(rows, axes, strict=True):
        for ax, (name, title) in zip(line, STATISTICS.items(), strict=True):
            own = table[(table["where"] == construction) & (table["statistic"] == name)]
            if own["value"].isna().all() and name in OF_TRIANGLES:
                name, title = OF_TRIANGLES[name]
                own = table[(table["where"] == construction) & (table["statistic"] == name)]
            panel = f"{construction} {name} {kind}"
            (value_panel if kind == "value" else z_panel)(drawing, ax, panel, own, table["step"])
            ax.set_title(title)
            ax.set_xlabel("step" if line is axes[-1] else "")
        line[0].set_ylabel(construction if kind == "value" else f"{construction}, z")
    letter(list(axes.ravel()))
    legend(figure, table, with_nulls)
    drawing.caption = caption(table, "Graphs of masks, layered and folded.")
    return drawing
