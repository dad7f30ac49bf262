"""Figure `graph_layers`: spectra of every layer's mask and of its kept weights."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd

from analyses.graph_props.schema import LAYER_SHOWN, PROPERTIES
from analyses.tables.labels import layer_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.graph_props.null_panels import PanelRow, draw_rows, has_random_masks

STATISTICS = {
    "spectral_gap": True,
    "ramanujan_gap_hoang": False,
    "iterative_mean_difference": False,
    "weighted_spectral_gap": True,
}
"""Drawn statistics; True: with a row of z."""
LABEL_WIDTH = 16


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a column per layer, rows of values and z.

    Attention, which is many layers, is in the table only.
    """
    table = tables[PROPERTIES]
    table = table[~table["where"].isin(["layered", "folded"])]
    layers = list(dict.fromkeys(table["where"]))
    shown = [layer for layer in layers if ".attn." not in layer]
    rows = []
    for statistic, with_z in STATISTICS.items():
        label = textwrap.fill(LAYER_SHOWN[statistic], LABEL_WIDTH)
        cells = [(layer, statistic, layer_label(layer)) for layer in shown]
        rows.append(PanelRow(label, False, cells, equal_scale=True))
        if with_z and has_random_masks(tables):
            rows.append(PanelRow(f"z, {label}", True, cells, equal_scale=True))
    words = "Spectra of each layer's mask; weighted: of the kept weights (random masks: in random order)."
    if shown != layers:
        words += " Without attention."
    return draw_rows(table, rows, words)
