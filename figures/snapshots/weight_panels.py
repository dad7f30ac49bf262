"""Panels of neurons' weights, shared by the figures of weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analyses.snapshots.schema import MOMENTS, NEURONS
from analyses.tables.labels import arm_label
from analyses.tables.schema import Table
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing

Tables = Mapping[TableKey, pd.DataFrame]

POINTS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 2,
    "markeredgewidth": 0,
    "color": "#3f90da",
}
CURVE: dict[str, Any] = {"color": "#26292f", "linewidth": 0.8}
IN_ORDER = "neurons by frequency"
"""Axis label of neurons in the order of the column `place`."""


def landmark_rows(tables: Tables, arm: str, landmarks: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return an arm's landmark checkpoints, or some of them, with step and accuracies."""
    table = tables[MOMENTS]
    chosen = table[(table["arm"] == arm) & table["moment"].isin(landmarks or table["moment"])]
    return [{str(name): entry for name, entry in row.items()} for row in chosen.to_dict("records")]


def network_words(table: pd.DataFrame, arms: Sequence[str]) -> str:
    """Return the caption's sentence that names the networks."""
    return f"Weights of {', '.join(map(arm_label, arms))}, seed {table['seed'].iloc[0]} (n = 1)."


def last_cosines(tables: Tables, arm: str, side: str = "input") -> pd.DataFrame:
    """Return an arm's neurons in their order, with their cosines at the last checkpoint."""
    neurons = tables[NEURONS]
    of_map = neurons[(neurons["arm"] == arm) & (neurons["map"] == side)]
    return of_map[of_map["step"] == of_map["step"].max()].sort_values("place").set_index("neuron")


def clearest_neurons(tables: Tables, arm: str, most: int) -> list[int]:
    """Return an arm's followed neurons of largest last amplitude, one per frequency."""
    cosines = last_cosines(tables, arm)
    cosines = cosines[cosines["followed"]].sort_values("amplitude", ascending=False, kind="stable")
    return cosines.drop_duplicates("frequency").index.tolist()[:most]


def neuron_rows(
    tables: Tables, table: Table, arm: str, side: str, step: int, neurons: Iterable[int]
) -> np.ndarray:
    """Return neurons' weights, or amplitudes, at a checkpoint."""
    rows = tables[table]
    rows = rows[(rows["arm"] == arm) & (rows["map"] == side) & (rows["step"] == step)]
    entries = [name for name in rows.columns if name.isdecimal()]
    return rows.set_index("neuron").loc[list(neurons), entries].to_numpy(dtype=np.float64)


def cosine_order(cosine: pd.Series, p: int) -> np.ndarray:
    """Return frequency × residue mod p of every residue.

    In this order the neuron's cosine turns once.
    """
    return int(cosine["frequency"]) * np.arange(p) % p


def draw_cosine(
    drawing: Drawing, ax: Axes, panel: str, series: str, seed: int, cosine: pd.Series, p: int
) -> None:
    """Draw a neuron's cosine over one turn; nothing for a dead neuron."""
    x = np.linspace(0, p, 101)
    y = cosine["constant"] + cosine["amplitude"] * np.cos(2 * np.pi * x / p + cosine["phase"])
    drawing.line(ax, panel, f"{series}: cosine", x, y, seed=seed, **CURVE)
    ax.set_xlim(-1, p)


def draw_weights_and_cosine(
    drawing: Drawing, ax: Axes, panel: str, series: str, weights: np.ndarray, cosine: pd.Series
) -> None:
    """Draw a neuron's weights as points, and their cosine."""
    p, seed = len(weights), cosine["seed"]
    draw_cosine(drawing, ax, panel, series, seed, cosine, p)
    drawing.line(ax, panel, series, cosine_order(cosine, p), weights, seed=seed, **POINTS)
    ax.yaxis.set_major_locator(MaxNLocator(3))


def points_and_cosine_legend(
    figure: Figure | SubFigure, cosine: str = "cosine of frequency k", **place: Any
) -> None:
    """Draw the legend of panels with a neuron's weights and cosine."""
    handles = [
        Line2D([], [], label="weight of a residue", **(POINTS | {"markersize": 3})),
        Line2D([], [], label=cosine, **CURVE),
    ]
    figure.legend(handles=handles, ncols=2, **({"loc": "outside upper center"} | place))


def fit_words(cosine: pd.Series) -> str:
    """Return the share of the weights' variance that the cosine explains, for a title."""
    return "dead" if np.isnan(cosine["share"]) else f"$R^2$ = {cosine['share']:.2f}"


def signed_heat(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    arm: str,
    seed: int,
    y: Any,
    value: np.ndarray,
    scale: float,
) -> QuadMesh:
    """Draw a matrix in blue below 0 and red above; NaN (pruned) is grey.

    Parameters
    ----------
    scale : float
        Magnitude with the darkest colours.
    """
    ax.set_facecolor(PRUNED)
    look = {"cmap": "RdBu_r", "vmin": -scale, "vmax": scale}
    return drawing.heat(ax, panel, arm, seed, range(value.shape[1]), y, value, **look)


PRUNED = "0.72"
"""Grey of pruned weights."""


def signed_bar(figure: Figure, mesh: QuadMesh, axes: Sequence[Axes]) -> None:
    """Draw the colour bar of panels whose titles give their scale."""
    bar = figure.colorbar(mesh, ax=axes, label="weight (scale: see each title)", pad=0.01, aspect=40)
    bar.set_ticks([*mesh.get_clim(), 0], labels=["−scale", "+scale", "0"])
