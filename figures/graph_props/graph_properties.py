"""Figures `graph_properties` and `graph_props`: distances, clustering and degrees of mask graphs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd

from analyses.graph_props.schema import GRAPH_SHOWN, PROPERTIES
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.graph_props.null_panels import PanelRow, draw_rows, has_random_masks

CONSTRUCTIONS = ("layered", "folded")
STATISTICS = ("average_path_length", "latapy_clustering", "robins_alexander_clustering", "degree_cv")
WITHOUT_PARITY = {"latapy_clustering": "average_clustering"}
"""Statistic drawn in place of a bipartite one where the graph is not bipartite."""
TITLE_WIDTH = 18


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw per construction a row of values and, with random masks, of z."""
    table = tables[PROPERTIES]
    table = table[table["where"].isin(CONSTRUCTIONS)]
    rows = []
    for construction in dict.fromkeys(table["where"]):
        of_construction = table[table["where"] == construction]
        cells = [_cell(of_construction, construction, statistic) for statistic in STATISTICS]
        rows.append(PanelRow(f"{construction} graph", False, cells, equal_scale=False))
        if has_random_masks(tables):
            rows.append(PanelRow(f"z, {construction} graph", True, cells, equal_scale=True))
    return draw_rows(table, rows, "Graphs of masks, layered and folded.")


def _cell(table: pd.DataFrame, construction: str, statistic: str) -> tuple[str, str, str]:
    """Return the panel of a statistic, or of what replaces it in this graph."""
    values = table.loc[table["statistic"] == statistic, "value"]
    if values.isna().all():
        statistic = WITHOUT_PARITY.get(statistic, statistic)
    return construction, statistic, textwrap.fill(GRAPH_SHOWN[statistic], TITLE_WIDTH)
