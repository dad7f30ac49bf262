"""Spectra of every layer's mask, and of its kept weights, beside their nulls."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from analyses.tables.labels import layer_label
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.graph_props.null_panels import caption, legend, value_panel, z_panel

TABLES = ("",)
STATISTICS = {
    "spectral_gap": "spectral gap",
    "ramanujan_gap_hoang": "Ramanujan gap\n(Hoang)",
    "iterative_mean_difference": "iterative mean\ndifference",
    "weighted_spectral_gap": "weighted\nspectral gap",
}
WITH_Z = ("spectral_gap", "weighted_spectral_gap")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A column per layer; a row per statistic, and with nulls a row of z for the two spectral gaps.

    Of attention, which is many layers, there is the table only.
    """
    table = tables[""]
    table = table[~table["where"].isin(["layered", "folded"])]
    every_layer = list(dict.fromkeys(table["where"]))
    layers = [layer for layer in every_layer if ".attn." not in layer]
    with_nulls = bool((table["density_n"] > 0).any())
    rows = [
        (name, kind)
        for name in STATISTICS
        for kind in ("value", "z")
        if kind == "value" or (with_nulls and name in WITH_Z)
    ]
    size = (DOUBLE, 0.5 + 1.3 * len(rows))
    figure, axes = plt.subplots(len(rows), len(layers), figsize=size, squeeze=False)
    drawing = Drawing(figure)
    for (name, kind), line in zip(rows, axes, strict=True):
        for ax, layer in zip(line, layers, strict=True):
            own = table[(table["where"] == layer) & (table["statistic"] == name)]
            panel = f"{layer} {name} {kind}"
            (value_panel if kind == "value" else z_panel)(drawing, ax, panel, own, table["step"])
            ax.set_title(layer_label(layer))
            ax.set_xlabel("step" if line is axes[-1] else "")
        title = STATISTICS[name]
        line[0].set_ylabel(title if kind == "value" else f"{title}, z")
    letter(list(axes.ravel()))
    legend(figure, table, with_nulls)
    what = (
        "Spectra of each layer's mask; weighted: of the kept weights (null: in random order at its places)."
    )
    if layers != every_layer:
        what += " Without attention."
    drawing.caption = caption(table, what)
    return drawing
