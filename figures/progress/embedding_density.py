"""Figure `embedding_density`: waves in the embedding, by operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.progress.schema import MEASURES
from analyses.tables.labels import OPERATIONS
from analyses.tables.roles import arms_with_role
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis

LOOKS: dict[str, tuple[str, Any]] = {
    "add": ("#26292f", "-"),
    "sub": ("#3f90da", (0, (4, 1.2))),
    "mul": ("#bd1f01", (0, (4, 1, 1, 1))),
    "x2_plus_y2": ("#832db6", (0, (1, 1))),
    "x2_plus_xy_plus_y2": ("#e76300", (0, (6, 1, 1, 1, 1, 1))),
}
"""Colour and line style of each operation."""
RUNS: tuple[TableKey, ...] = (("modadd_ticket", MEASURES), ("m_ops", MEASURES))
ROLES = {"dense": "dense", "ticket": "grokked ticket"}
"""Compared networks, by role: the first arm of each role and operation."""
TITLES = {
    "ffd": ("Fourier frequency density (FFD)", "share of large waves"),
    "fcr": ("Fourier coefficient ratio (FCR)", "cosine against sine"),
}
"""Title and axis label of each measure."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw both measures through training, of dense networks and tickets."""
    measures = pd.concat([_first_of_each_role(tables[run]) for run in RUNS], ignore_index=True)
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 4.6), sharey="row")
    drawing = Drawing(figure)
    for row, (measure, (title, label)) in zip(axes, TITLES.items(), strict=True):
        for ax, (role, words) in zip(row, ROLES.items(), strict=True):
            rows = measures[measures["arm_role"] == role]
            _curves(drawing, ax, f"{measure} {role}", rows, measure)
            ax.set_title(f"{title}: {words}")
            step_axis(ax, measures["step"])
        row[0].set_ylim(0, 1.04)
        row[0].set_ylabel(label)
    handles = [
        Line2D([], [], color=color, linestyle=dash, label=OPERATIONS[operation])
        for operation, (color, dash) in LOOKS.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    letter(axes.ravel())
    seeds = measures.groupby(["operation", "arm_role"])["seed"].nunique()
    counts = ", ".join(
        f"{OPERATIONS[operation]} {words} n = {seeds.get((operation, role), 0)}"
        for operation in LOOKS
        for role, words in ROLES.items()
    )
    drawing.caption = (
        f"(a, b) Share of the cosines and sines whose norm in the embedding exceeds half of the largest; "
        f"(c, d) smaller over larger of cosine and sine, mean over frequencies. Waves are over the residues "
        f"as they are, also for products, whose logarithms are what is added. Thin: seeds; bold: median "
        f"where all seeds have a value ({counts})."
    )
    return drawing


def _first_of_each_role(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first arm of each operation and role."""
    parts = [
        rows[rows["arm"].isin(arms_with_role(rows, role)[:1])]
        for _, rows in measures.groupby("operation", sort=False)
        for role in ROLES
    ]
    return pd.concat(parts)


def _curves(drawing: Drawing, ax: Axes, panel: str, measures: pd.DataFrame, measure: str) -> None:
    """Draw each operation: seeds thin, their median bold."""
    for operation, (color, dash) in LOOKS.items():
        label = OPERATIONS[operation]
        rows = measures[measures["operation"] == operation]
        for seed, curve in rows.groupby("seed"):
            look = {"color": color, "linewidth": 0.5, "alpha": 0.4}
            drawing.line(ax, panel, label, curve["step"], curve[measure], seed=seed, **look)
        by_step = rows.groupby("step")[measure].agg(["median", "size"])
        middle = by_step.loc[by_step["size"] == rows["seed"].nunique(), "median"]
        drawing.line(ax, panel, label, middle.index, middle, seed="median", color=color, linestyle=dash)
