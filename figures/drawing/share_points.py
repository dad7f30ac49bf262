"""Shares as points with intervals and chance levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles

LEVEL: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}
CHANCE_WIDTH = 1.0


def share_points(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    shares: pd.DataFrame,
    category: str,
    categories: Sequence[str],
    styles: Styles,
    *,
    share: str = "share",
) -> None:
    """Draw every network's shares with intervals and chance levels.

    Parameters
    ----------
    shares : DataFrame
        Columns arm, seed, low, high, shuffled_chance, and those named by `category` and `share`.
    category : str
        Column of the categories on the x axis; a missing one has no point.
    categories : sequence of str
        Its values, from left to right.
    share : str
        Column of the shares.
    """
    ax.set_ylim(0, 1.04)
    ax.set_xlim(-0.5, len(categories) - 0.5)
    ax.tick_params(axis="x", length=0)
    networks = shares[["arm", "seed"]].drop_duplicates().to_numpy()
    width = 0.8 / max(len(networks), 1)
    for place, (arm, seed) in enumerate(networks):
        network_rows = shares[(shares["arm"] == arm) & (shares["seed"] == seed)]
        by_category = network_rows.set_index(category).reindex(list(categories))
        x = np.arange(len(categories)) - 0.4 + (place + 0.5) * width
        y, low, high = (by_category[column].to_numpy() for column in (share, "low", "high"))
        look = {"color": styles[arm]["color"], "marker": styles[arm]["marker"], "linestyle": "none"}
        ax.errorbar(x, y, (y - low, high - y), markersize=2.8, linewidth=0.8, **look)
        drawing.note(panel, arm, seed, x=x, y=y, low=low, high=high)
        chance = by_category["shuffled_chance"]
        ax.hlines(chance, x - width / 2, x + width / 2, color=look["color"], linewidth=CHANCE_WIDTH)
        drawing.note(panel, f"{arm}, by chance", seed, x=x, y=chance)


def uniform_level(drawing: Drawing, ax: Axes, panel: str, chance: float) -> None:
    """Draw the share of a uniform guess, 1/K."""
    drawing.level(ax, panel, "1/K", chance, **LEVEL)


def chance_handles() -> list[Line2D]:
    """Return legend entries of the two chance levels."""
    return [
        Line2D([], [], color="0.2", linewidth=CHANCE_WIDTH, label="by chance: frequencies permuted"),
        Line2D([], [], label="uniform guess, 1/K", **LEVEL),
    ]


def point_handles(styles: Styles) -> list[Line2D]:
    """Return legend entries of the networks' points."""
    return [
        Line2D([], [], linestyle="none", marker=style["marker"], color=style["color"], label=style["label"])
        for style in styles.values()
    ]
