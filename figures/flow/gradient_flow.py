"""The decoupled flow against the training: single neurons, what is between them, and the invariants."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.style import DOUBLE, linear_steps, plain_log

TABLES = ("", "_invariants", "_neurons")
N_NEURONS, N_POINTS = 5, 16
COLORS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#717581")
MARKERS = "os^Dv"
CONTRASTS: dict[str, tuple[str, str, Any]] = {
    "flow": ("training − flow", "#26292f", "-"),
    "softmax": ("softmax not uniform", "#bd1f01", (0, (4, 1.2))),
    "steps": ("finite steps, float32", "#3f90da", (0, (1, 1))),
    "warm_up": ("clock without warm-up", "#ffa90e", (0, (4, 1, 1, 1))),
}
"""Label, colour and line style of each difference."""
COURSES: dict[str, tuple[str, str, Any]] = {
    "trained": ("training", "#26292f", "-"),
    "flow": ("flow", "#832db6", (0, (4, 1.2))),
}
CLAIMED = {"input_amplitude": 2e-4, "D": 5e-4, "invariants": 2e-7}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Amplitudes and D of a few neurons above; below, differences of the median neuron, and drifts."""
    arm, seed = tables["_neurons"].iloc[0][["arm", "seed"]]
    apart, drifts, neurons = (own[own["arm"] == arm] for own in (tables[name] for name in TABLES))
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.7))
    drawing = Drawing(figure)
    shown = _shown(neurons[neurons["seed"] == seed])
    titles = {"input_amplitude": "input amplitude α", "output_amplitude": "output amplitude β"}
    for ax, (name, title) in zip(axes[0], (titles | {"D": "misalignment D (rad)"}).items(), strict=True):
        _neurons(drawing, ax, name, shown)
        ax.set_title(title)
        if name != "D":
            plain_log(ax)
    axes[0, 2].set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    for ax, name, title in (
        (axes[1, 0], "input_amplitude", "|difference| in α"),
        (axes[1, 1], "D", "|difference| in D (rad)"),
    ):
        _curves(drawing, ax, name, apart, "contrast", CONTRASTS, f"{name}_median")
        drawing.level(ax, name, "claimed", CLAIMED[name])
        ax.set_title(title)
    _curves(drawing, axes[1, 2], "invariants", drifts, "course", COURSES, "product_median")
    drawing.level(axes[1, 2], "invariants", "claimed", CLAIMED["invariants"])
    axes[1, 2].set_title("drift of α²β sin D, relative")
    for ax in axes.flat:
        linear_steps(ax)
        ax.set_xlim(0, neurons["step"].max() * 1.02)
    letter(list(axes.flat))
    marks = [
        Line2D([], [], color="0.3", label="flow"),
        Line2D([], [], color="0.3", linestyle="none", marker="o", markersize=3.5, label="training"),
    ]
    axes[0, 0].legend(handles=marks, loc="upper left")
    axes[1, 2].legend(handles=_handles(COURSES), loc=(0.5, 0.3))
    figure.legend(
        handles=_handles(CONTRASTS), loc="outside upper center", ncols=4, title="differences in (d) and (e)"
    )
    n = apart["seed"].nunique()
    drawing.caption = (
        f"(a–c) {len(shown)} neurons of {arm}, seed {seed}, evenly spaced in |D| at the start: the decoupled "
        f"flow (lines) and the training (marks, a shape per neuron). (d, e) Absolute difference, the median "
        f"neuron's; a thin line per seed (n = {n}), bold their mean. Its parts: the gradient flow of the "
        f"network's own loss − the decoupled one (softmax not uniform), and the training − that (finite "
        f"steps, float32). Beside them, what a clock of learning rate × step would shift, in place of the "
        f"sum of the learning rates. (f) Drift since the start over α²β at the start, the median neuron's. "
        f"Dotted: limits of the claim."
    )
    return drawing


def _shown(neurons: pd.DataFrame) -> list[pd.DataFrame]:
    """The courses of a few neurons whose |D| at the start is evenly spaced."""
    start = neurons[neurons["step"] == neurons["step"].min()].sort_values("D", key=np.abs)
    inner = (np.arange(N_NEURONS) + 0.5) / N_NEURONS * len(start)
    chosen = start["neuron"].iloc[np.unique(inner.astype(int))]
    return [neurons[neurons["neuron"] == neuron] for neuron in chosen]


def _neurons(drawing: Drawing, ax: Axes, name: str, shown: list[pd.DataFrame]) -> None:
    for own, color, marker in zip(shown, COLORS, MARKERS, strict=False):
        neuron = f"neuron {own['neuron'].iloc[0]}"
        flow = own[f"flow_{name}"].to_numpy()
        flow = without_jumps(flow) if name == "D" else flow
        drawing.line(ax, name, f"{neuron}, flow", own["step"], flow, color=color, linewidth=1.1)
        some = own.iloc[:: max(1, len(own) // N_POINTS)]
        look = {"color": color, "marker": marker, "linestyle": "none", "markersize": 3, "markeredgewidth": 0}
        drawing.line(ax, name, neuron, some["step"], some[name], **look)


def _curves(
    drawing: Drawing, ax: Axes, panel: str, table: pd.DataFrame, kind: str, looks: dict[str, Any], column: str
) -> None:
    """A curve per seed and their mean, from the second checkpoint on: at the first all agree."""
    for name, (label, color, dash) in looks.items():
        later = table[(table[kind] == name) & (table["step"] > table["step"].min())]
        for seed, own in later.groupby("seed"):
            look = {"color": color, "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, panel, label, own["step"], own[column], seed=seed, **look)
        mean = later.groupby("step")[column].mean()
        drawing.line(ax, panel, label, mean.index, mean, seed="mean", color=color, linestyle=dash)
    ax.set_yscale("log")


def _handles(looks: dict[str, Any]) -> list[Line2D]:
    return [Line2D([], [], color=color, linestyle=dash, label=label) for label, color, dash in looks.values()]
