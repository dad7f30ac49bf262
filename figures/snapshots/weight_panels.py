"""What the figures of weights share: which arms and neurons they show, and their rows as matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import arm_styles

POINTS: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 2,
    "markeredgewidth": 0,
    "color": "#3f90da",
}


def shown_arms(table: pd.DataFrame, wanted: Sequence[str] = ("dense", "grokked_ticket")) -> list[str]:
    """Those of the arms that are there, or else the first two."""
    arms = list(dict.fromkeys(table["arm"]))
    return [arm for arm in wanted if arm in arms] or arms[:2]


def moments_of(table: pd.DataFrame, arm: str, wanted: Sequence[str] = ()) -> list[dict[str, Any]]:
    """An arm's moments, or those of them that are wanted, with their steps and accuracies."""
    own = table[table["arm"] == arm]
    chosen = own[own["moment"].isin(wanted or own["moment"])]
    return [{str(name): entry for name, entry in row.items()} for row in chosen.to_dict("records")]


def whose(table: pd.DataFrame, arms: Sequence[str]) -> str:
    """The sentence of a caption that says whose weights these are."""
    labels = ", ".join(style["label"] for style in arm_styles(arms).values())
    return f"Weights of {labels}, seed {table['seed'].iloc[0]} (n = 1)."


def at_end(neurons: pd.DataFrame, arm: str, side: str = "input") -> pd.DataFrame:
    """An arm's neurons with their cosines at the last checkpoint, in their order, by number."""
    own = neurons[(neurons["arm"] == arm) & (neurons["map"] == side)]
    return own[own["step"] == own["step"].max()].sort_values("place").set_index("neuron")


def clearest(neurons: pd.DataFrame, arm: str, most: int) -> list[int]:
    """The followed neurons of an arm whose last input cosine is largest, one per frequency, dead last."""
    own = at_end(neurons, arm)
    own = own[own["followed"]].sort_values("amplitude", ascending=False, kind="stable")
    return own.drop_duplicates("frequency").index.tolist()[:most]


def rows(table: pd.DataFrame, arm: str, side: str, step: int, neurons: Iterable[int]) -> np.ndarray:
    """The neurons' rows of the input or output map, or of its spectrum, at a checkpoint."""
    own = table[(table["arm"] == arm) & (table["map"] == side) & (table["step"] == step)]
    entries = [name for name in table.columns if name.isdecimal()]
    return own.set_index("neuron").loc[list(neurons), entries].to_numpy(dtype=np.float64)


def turned(cosine: pd.Series, p: int) -> np.ndarray:
    """Where each residue lies when a neuron's cosine turns once."""
    return int(cosine["frequency"]) * np.arange(p) % p


def cosine_curve(
    drawing: Drawing, ax: Axes, panel: str, series: str, seed: int, cosine: pd.Series, p: int
) -> None:
    """A neuron's cosine, turning once; nothing for a dead neuron, which has none."""
    x = np.linspace(0, p, 101)
    y = cosine["constant"] + cosine["amplitude"] * np.cos(2 * np.pi * x / p + cosine["phase"])
    drawing.line(ax, panel, f"{series}: cosine", x, y, seed=seed, color="#26292f", linewidth=0.8)
    ax.set_xlim(-1, p)


def cosine_panel(
    drawing: Drawing, ax: Axes, panel: str, series: str, weights: np.ndarray, cosine: pd.Series
) -> None:
    """A neuron's weights, and the cosine in them."""
    p, seed = len(weights), cosine["seed"]
    cosine_curve(drawing, ax, panel, series, seed, cosine, p)
    drawing.line(ax, panel, series, turned(cosine, p), weights, seed=seed, **POINTS)
    ax.yaxis.set_major_locator(MaxNLocator(3))


def explained(cosine: pd.Series) -> str:
    """How much of the weights' variance the cosine explains, in a title."""
    return "dead" if np.isnan(cosine["share"]) else f"$R^2$ = {cosine['share']:.2f}"


def signed_heat(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    arm: str,
    seed: int,
    y: Any,
    value: np.ndarray,
    top: float,
) -> QuadMesh:
    """A matrix in colours from blue at -top by white at 0 to red at top; NaN (pruned) grey."""
    ax.set_facecolor("0.72")
    look = {"cmap": "RdBu_r", "vmin": -top, "vmax": top}
    return drawing.heat(ax, panel, arm, seed, range(value.shape[1]), y, value, **look)


def signed_bar(figure: Figure, mesh: QuadMesh, axes: Sequence[Axes]) -> None:
    """The colours' meaning, for panels that have each its own largest magnitude."""
    bar = figure.colorbar(mesh, ax=axes, label="weight", pad=0.01, aspect=40)
    bar.set_ticks([*mesh.get_clim(), 0], labels=["−max", "max", "0"])
