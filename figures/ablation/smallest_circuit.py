"""Figure `smallest_circuit`: few frequencies alone, and the network without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.ablation.schema import CIRCUITS, REMOVED_BY, SETS
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter
from figures.drawing.style import DOUBLE, line_style, table_styles

ORDERS: dict[str, tuple[str, Any]] = {
    "greedy": ("greedy order", "-"),
    "random": ("random order", (0, (2, 1))),
}
"""Words and line style of each order."""
MARKERS = dict(zip(REMOVED_BY, "osx", strict=True))
"""Marker of each way of removal."""
LEVEL = 0.95


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw accuracy of sets alone, and loss without them, by their size."""
    circuits, sets = tables[CIRCUITS], tables[SETS]
    figure, (kept, without, single) = plt.subplots(1, 3, figsize=(DOUBLE, 2.9))
    drawing = Drawing(figure)
    for order in ORDERS:
        rows = circuits[circuits["order"] == order]
        _arms(drawing, kept, "kept", rows, "kept_acc", order)
        if order == "greedy":
            _arms(drawing, without, "without", rows, "without_loss", order)
    whole = sets[sets["size"] == 0].set_index(["arm", "seed", "removal"])["without_loss"]
    at = pd.MultiIndex.from_frame(sets[["arm", "seed", "removal"]])
    _points(drawing, single, sets.assign(together=sets["without_loss"] - whole.loc[at].to_numpy()))
    drawing.level(kept, "kept", "accuracy .95", LEVEL)
    kept.set(xlabel="frequencies kept", ylabel="accuracy", ylim=(-0.02, 1.04))
    kept.set_title("alone")
    without.set(xlabel="frequencies left out", ylabel="loss (nats)")
    without.set_title("left out")
    single.set(xlabel="importance one by one, sum (nats)", ylabel="together (nats)")
    single.set_title("sets and their members")
    letter([kept, without, single])
    more = [Line2D([], [], color="0.3", linestyle=dash, label=words) for words, dash in ORDERS.values()]
    more += [
        Line2D([], [], color="0.3", linestyle="none", marker=marker, markersize=3, label=f"by {removal}")
        for removal, marker in MARKERS.items()
    ]
    arm_legend(figure, circuits, more)
    n = circuits.groupby("arm", sort=False)["seed"].nunique().to_dict()
    drawing.caption = (
        f"Networks at their last checkpoint, medians over seeds ({counted(n)}). (a) Accuracy on the judged "
        f"pairs if only the neurons of some frequencies vary and all others are at their mean; greedy: next "
        f"the frequency that lowers the training loss most. (b) Loss if these frequencies' neurons are at "
        f"their mean. (c) Greedy sets left out, by mean, zero and resampling: increase of the loss by the "
        f"set, over the sum of its members' increases one by one; on the line both are equal."
    )
    return drawing


def _arms(drawing: Drawing, ax: Axes, panel: str, rows: pd.DataFrame, column: str, order: str) -> None:
    """Draw the median over seeds of every arm."""
    styles = table_styles(rows)
    for arm, style in styles.items():
        middle = rows[rows["arm"] == arm].groupby("size")[column].median()
        look = line_style(style) | {"linestyle": ORDERS[order][1]}
        drawing.line(ax, panel, f"{arm}, {ORDERS[order][0]}", middle.index, middle, seed="median", **look)


def _points(drawing: Drawing, ax: Axes, sets: pd.DataFrame) -> None:
    """Draw every greedy set's importance over the sum of its members', by every way of removal."""
    for arm, style in table_styles(sets).items():
        for removal, marker in MARKERS.items():
            rows = sets[(sets["arm"] == arm) & (sets["removal"] == removal) & (sets["size"] > 0)]
            look = {"color": style["color"], "marker": marker, "linestyle": "none", "markersize": 2.5}
            drawing.line(ax, "sets", f"{arm}, {removal}", rows["single_sum"], rows["together"], **look)
    most = float(sets["together"].max())
    drawing.line(ax, "sets", "equal", [0, most], [0, most], color="0.45", linewidth=0.8, linestyle=":")
