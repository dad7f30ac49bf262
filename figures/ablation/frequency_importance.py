"""Figure `frequency_importance`: importance of frequencies beside their power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analyses.ablation.schema import AGREEMENT, FREQUENCIES
from analyses.tables.labels import arm_label
from analyses.tables.roles import arms_and_control
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, share_y_limits, step_axis

COLORS = ("#3f90da", "#bd1f01", "#832db6", "#e76300", "#0f7f3f", "#a96b59")
"""Colours of the frequencies of largest importance; all others are grey."""
ROWS = {"by_mean": "importance (nats)", "power": "power in the embedding"}
"""Axis label of each row of panels, by its column."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw one network of each of three arms, and the agreement of all networks."""
    frequencies, agreement = tables[FREQUENCIES], tables[AGREEMENT]
    shown = arms_and_control(frequencies)
    figure = plt.figure(figsize=(DOUBLE, 6.0))
    grid = figure.add_gridspec(3, len(shown))
    drawing = Drawing(figure)
    panels: list[Axes] = []
    for row, (column, label) in enumerate(ROWS.items()):
        axes = [figure.add_subplot(grid[row, place]) for place in range(len(shown))]
        for ax, arm in zip(axes, shown, strict=True):
            rows = frequencies[frequencies["arm"] == arm]
            seed = rows["seed"].min()
            _curves(drawing, ax, f"{column} {arm}", rows[rows["seed"] == seed], column)
            ax.set_title(f"{arm_label(arm)}, seed {seed}")
            step_axis(ax, rows["step"], narrow=len(shown) > 1)
        share_y_limits(axes)
        axes[0].set_ylabel(label)
        panels += axes
    ax = figure.add_subplot(grid[2, :])
    drawing.arms(ax, "agreement", agreement, "neurons_rank", centre="median")
    drawing.level(ax, "agreement", "no agreement", 0.0)
    ax.set_title("rank correlation of importance and power")
    ax.set_ylabel("correlation")
    ax.set_ylim(-1.05, 1.05)
    step_axis(ax, agreement["step"])
    letter([*panels, ax])
    arm_legend(figure, agreement)
    n = len(shown)
    drawing.caption = (
        f"({_letters(0, n)}) Increase of the loss on the judged pairs if the neurons of one frequency are at "
        f"their mean, of the first network of each arm; coloured: the {len(COLORS)} frequencies that matter "
        f"most at its last checkpoint. ({_letters(n, n)}) Share of the embedding's variance at these "
        f"frequencies. ({_letters(2 * n, 1)}) Agreement of both over the frequencies that have neurons. "
        f"{seeds_and_centre(agreement, 'median')}"
    )
    return drawing


def _letters(first: int, n: int) -> str:
    names = "abcdefghijklm"[first : first + n]
    return ", ".join(names)


def _curves(drawing: Drawing, ax: Axes, panel: str, rows: pd.DataFrame, column: str) -> None:
    """Draw one column of every frequency of a network over steps."""
    colors = dict(zip(_most_important(rows), COLORS, strict=False))
    for frequency in sorted(rows["frequency"].unique().tolist(), key=lambda k: k in colors):
        curve = rows[rows["frequency"] == frequency].dropna(subset=[column])
        look: dict[str, Any] = {"color": "0.8", "linewidth": 0.5}
        if frequency in colors:
            look = {"color": colors[frequency], "linewidth": 1.2, "label": f"k = {frequency}"}
        drawing.line(ax, panel, f"k = {frequency}", curve["step"], curve[column], **look)
    if colors and column == "by_mean":
        ax.legend(fontsize=6, loc="upper left")


def _most_important(rows: pd.DataFrame) -> Sequence[int]:
    """Return the frequencies of largest importance at the last checkpoint."""
    last = rows[rows["step"] == rows["step"].max()].dropna(subset=["by_mean"])
    return last.sort_values("by_mean", ascending=False)["frequency"].head(len(COLORS)).tolist()
