"""Which arms' last masks overlap, beside chance, and by how much more."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles

TABLES = ("_overlap",)
MOST_ABREAST = 11
"""With more arms the matrices stand one below the other, so that the cells hold their numbers."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A matrix of arms for the overlap and its chance, one for the excess; the diagonals: other seeds."""
    table = tables["_overlap"]
    table = table[table["layer"] == "global"]
    arms = list(dict.fromkeys([*table["arm_a"], *table["arm_b"]]))
    if len(arms) <= MOST_ABREAST:
        figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 4.4), sharey=True)
    else:
        figure, axes = plt.subplots(2, 1, figsize=(DOUBLE, 1.8 + 0.5 * len(arms)), sharex=True)
    drawing = Drawing(figure)
    axes[0].set_title("above: overlap, below: by chance")
    axes[1].set_title("excess over chance")
    letter(axes)
    if not arms:
        drawing.note("overlap", "mean", value=[])
        drawing.caption = "One mask: there is no other to compare it with."
        return drawing
    overlap, chance, excess = (_square(table, name, arms) for name in ("overlap", "chance", "excess"))
    below = np.tri(len(arms), k=-1, dtype=bool)
    _matrix(drawing, axes[0], "overlap", np.where(below, np.nan, overlap), arms, 0, "Blues")
    _matrix(drawing, axes[0], "chance", np.where(below, chance, np.nan), arms, 0, "Blues")
    _matrix(drawing, axes[1], "excess", excess, arms, -1, "RdBu_r")
    seeds = len({*table["seed_a"], *table["seed_b"]})
    drawing.caption = (
        f"Jaccard overlap of the last masks, over all weights. Off the diagonal: two arms of one seed, mean "
        f"over n = {seeds} seeds; on it, overlap and excess of one arm at different seeds, mean over their "
        f"pairs, which share no initial weights. Chance: masks shuffled within their layers. Excess: 0 at "
        f"chance, 1 for equal masks. Colours: (a) from 0 to 1, (b) from −1 to 1."
    )
    return drawing


def _square(table: pd.DataFrame, name: str, arms: list[str]) -> np.ndarray:
    """Means over seeds, the same for a pair in either order."""
    mean = table.groupby(["arm_a", "arm_b"])[name].mean().unstack().reindex(index=arms, columns=arms)
    return mean.fillna(mean.T).to_numpy()


def _matrix(
    drawing: Drawing, ax: Axes, panel: str, values: np.ndarray, arms: list[str], low: int, colors: str
) -> None:
    places = range(1, len(arms) + 1)
    drawing.heat(ax, panel, "mean", "mean", places, places, values, vmin=low, vmax=1, cmap=colors)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if abs(value) > 0.6 else "0.1"
            ax.text(x + 1, y + 1, _short(value), ha="center", va="center", fontsize=7, color=color)
    names = [style["label"] for style in arm_styles(arms).values()]
    ax.set_xticks(places, names, rotation=90)
    ax.set_yticks(places, names)
    ax.tick_params(length=0)
    ax.set(aspect="equal", xlim=(0.5, len(arms) + 0.5), ylim=(len(arms) + 0.5, 0.5))


def _short(value: float) -> str:
    """Two places without the zero before the point: .25, −.03, 1.00."""
    hundredths = round(100 * abs(value))
    sign = "−" if value < 0 and hundredths else ""
    return f"{sign}{hundredths // 100 or ''}.{hundredths % 100:02d}"
