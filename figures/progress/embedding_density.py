"""Waves in the embedding, by operation: how many (FFD), and whether cosine and sine weigh the same (FCR)."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis

TABLES = ("m_ops/progress", "modadd_ticket/progress")
OPERATIONS: dict[str, tuple[str, str, Any]] = {
    "add": ("a + b", "#26292f", "-"),
    "sub": ("b − a", "#3f90da", (0, (4, 1.2))),
    "mul": ("a · b", "#bd1f01", (0, (4, 1, 1, 1))),
    "x2_plus_y2": ("a² + b²", "#832db6", (0, (1, 1))),
    "x2_plus_xy_plus_y2": ("a² + ab + b²", "#e76300", (0, (6, 1, 1, 1, 1, 1))),
}
"""Label, colour and line style of each operation, by what its arms' names begin with."""
KINDS = {"dense": "dense", "ticket": "grokked ticket"}
MEASURES = {"ffd": "FFD: density of frequencies", "fcr": "FCR: cosine against sine"}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Both measures through training, of dense networks and of tickets."""
    curves = _by_operation(tables)
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 4.6), sharey="row")
    drawing = Drawing(figure)
    for row, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        for ax, (kind, words) in zip(row, KINDS.items(), strict=True):
            own = curves[curves["kind"] == kind]
            _curves(drawing, ax, f"{measure} {kind}", own, measure)
            ax.set_title(f"{title}, {words}")
            step_axis(ax, curves["step"])
        row[0].set_ylim(0, 1.04)
        row[0].set_ylabel(measure.upper())
    handles = [
        Line2D([], [], color=color, linestyle=dash, label=label) for label, color, dash in OPERATIONS.values()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    letter(axes.ravel())
    seeds = curves.groupby(["operation", "kind"])["seed"].nunique()
    counts = ", ".join(
        f"{label} {words} n = {seeds.get((operation, kind), 0)}"
        for operation, (label, *_) in OPERATIONS.items()
        for kind, words in KINDS.items()
    )
    drawing.caption = (
        f"(a, b) Share of the cosines and sines whose norm in the embedding exceeds half of the largest; "
        f"(c, d) smaller over larger of cosine and sine, mean over frequencies. Waves are over the residues "
        f"as they are, also for products, whose logarithms are what is added. Thin: seeds; bold: median "
        f"where all seeds have a value ({counts})."
    )
    return drawing


def _by_operation(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Both runs in one table, with the operation and the kind of network."""
    other, add = tables["m_ops/progress"], tables["modadd_ticket/progress"]
    parts = other["arm"].str.rsplit("_", n=1)
    other = other.assign(operation=parts.str[0], kind=parts.str[1])
    add = add[add["arm"].isin(["dense", "grokked_ticket"])]
    add = add.assign(operation="add", kind=add["arm"].str.removeprefix("grokked_"))
    return pd.concat([add, other], ignore_index=True)


def _curves(drawing: Drawing, ax: Axes, panel: str, own: pd.DataFrame, measure: str) -> None:
    for operation, (label, color, dash) in OPERATIONS.items():
        of = own[own["operation"] == operation]
        for seed, curve in of.groupby("seed"):
            look = {"color": color, "linewidth": 0.5, "alpha": 0.4}
            drawing.line(ax, panel, label, curve["step"], curve[measure], seed=seed, **look)
        shared = of.groupby("step")[measure].agg(["median", "size"])
        middle = shared.loc[shared["size"] == of["seed"].nunique(), "median"]
        drawing.line(ax, panel, label, middle.index, middle, seed="median", color=color, linestyle=dash)
