"""Figure `mask_overlap`: overlap of the arms' last masks, against chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from analyses.masks.schema import OVERLAP
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE

MOST_ABREAST = 11
"""Largest number of arms whose two matrices fit beside each other, with their numbers."""
FRAMES: dict[str, tuple[str, Any]] = {"seeds": ("0.1", "-"), "construction": ("#e76300", (0, (2, 1)))}
"""Colour and line style of the frames around cells."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a matrix of arms for overlap and chance, and one for the excess."""
    overlaps = tables[OVERLAP]
    overlaps = overlaps[overlaps["layer"] == "global"]
    arms = list(dict.fromkeys([*overlaps["arm_a"], *overlaps["arm_b"]]))
    if len(arms) <= MOST_ABREAST:
        figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 4.5), sharey=True)
    else:
        figure, axes = plt.subplots(2, 1, figsize=(DOUBLE, 1.8 + 0.5 * len(arms)), sharex=True)
    drawing = Drawing(figure)
    axes[0].set_title("overlap; below the diagonal: by chance")
    axes[1].set_title("excess: 0 at chance, 1 for equal masks")
    letter(axes)
    if not arms:
        drawing.note("overlap", "mean", value=[])
        drawing.caption = "One mask: there is no other to compare it with."
        return drawing
    overlap, chance, excess = (_square(overlaps, name, arms) for name in ("overlap", "chance", "excess"))
    below = np.tri(len(arms), k=-1, dtype=bool)
    _matrix(drawing, axes[0], "overlap", np.where(below, np.nan, overlap), arms, 0, "Blues")
    _matrix(drawing, axes[0], "chance", np.where(below, chance, np.nan), arms, 0, "Blues")
    _matrix(drawing, axes[1], "excess", excess, arms, -1, "RdBu_r")
    _frames(figure, axes, overlaps, arms)
    seeds = len({*overlaps["seed_a"], *overlaps["seed_b"]})
    drawing.caption = (
        f"Jaccard overlap of the last masks, over all weights. Off the diagonal: two arms of one seed, mean "
        f"over n = {seeds} seeds; on it, overlap and excess of one arm at different seeds, mean over their "
        f"pairs, which share no initial weights. Chance: masks shuffled within their layers. Colours: (a) "
        f"from 0 to 1, (b) from −1 to 1. Dashed: both arms have one mask by construction, as a ticket has "
        f"that of its dense network."
    )
    return drawing


def _square(overlaps: pd.DataFrame, name: str, arms: list[str]) -> np.ndarray:
    """Return means over seeds, equal for both orders of a pair."""
    mean = overlaps.groupby(["arm_a", "arm_b"])[name].mean().unstack().reindex(index=arms, columns=arms)
    return mean.fillna(mean.T).to_numpy()


def _matrix(
    drawing: Drawing, ax: Axes, panel: str, values: np.ndarray, arms: Sequence[str], low: int, colors: str
) -> None:
    places = range(1, len(arms) + 1)
    drawing.heat(ax, panel, "mean", "mean", places, places, values, vmin=low, vmax=1, cmap=colors)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = "white" if abs(value) > 0.6 else "0.1"
            ax.text(x + 1, y + 1, cell_text(value), ha="center", va="center", fontsize=7, color=color)
    names = [arm_label(arm) for arm in arms]
    ax.set_xticks(places, names, rotation=90)
    ax.set_yticks(places, names)
    ax.tick_params(length=0)
    ax.set(aspect="equal", xlim=(0.5, len(arms) + 0.5), ylim=(len(arms) + 0.5, 0.5))


def _frames(figure: plt.Figure, axes: Sequence[Axes], overlaps: pd.DataFrame, arms: Sequence[str]) -> None:
    """Frame the diagonal, and pairs whose masks are equal by construction."""
    marked = overlaps[overlaps["by_construction"]]
    pairs = dict.fromkeys(zip(marked["arm_a"], marked["arm_b"], strict=True))
    cells: dict[str, list[Sequence[int]]] = {
        "seeds": [(i, i) for i in range(len(arms))] if (overlaps["arm_a"] == overlaps["arm_b"]).any() else [],
        "construction": [sorted((arms.index(a), arms.index(b))) for a, b in pairs],
    }
    for name, (color, dash) in FRAMES.items():
        look: dict[str, Any] = {"fill": False, "edgecolor": color, "linestyle": dash, "linewidth": 1}
        for y, x in cells[name]:
            for ax, at in ((axes[0], (x, y)), (axes[1], (x, y)), (axes[1], (y, x))):
                ax.add_patch(Rectangle((at[0] + 0.53, at[1] + 0.53), 0.94, 0.94, **look))
    words = {"seeds": "one arm at different seeds", "construction": "one mask by construction"}
    handles: list[Artist] = [
        Patch(fill=False, edgecolor=color, linestyle=dash, label=words[name])
        for name, (color, dash) in FRAMES.items()
        if cells[name]
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def cell_text(value: float) -> str:
    """Return two decimals without the zero before the point.

    Examples
    --------
    >>> cell_text(0.254), cell_text(-0.03), cell_text(1.0)
    ('.25', '−.03', '1.00')
    """
    hundredths = round(100 * abs(value))
    sign = "−" if value < 0 and hundredths else ""
    return f"{sign}{hundredths // 100 or ''}.{hundredths % 100:02d}"
