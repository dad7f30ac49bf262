"""Figure `flow`: neurons in training and flow, differences, invariants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analyses.flow.schema import CONTRAST_LABELS, COURSE_LABELS, DEVIATIONS, INVARIANTS, NEURONS
from analyses.tables.labels import arm_label
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.style import DOUBLE, linear_steps, plain_log, share_y_limits

N_NEURONS, N_POINTS = 5, 16
COLORS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#717581")
MARKERS = "os^Dv"
CONTRAST_LOOKS: dict[str, dict[str, Any]] = {
    "flow": {"color": "#26292f", "linestyle": "-"},
    "softmax": {"color": "#bd1f01", "linestyle": (0, (4, 1.2))},
    "steps": {"color": "#3f90da", "linestyle": (0, (1, 1))},
    "warm_up": {"color": "#ffa90e", "linestyle": (0, (4, 1, 1, 1))},
}
COURSE_LOOKS: dict[str, dict[str, Any]] = {
    "trained": {"color": "#26292f", "linestyle": "-"},
    "flow": {"color": "#832db6", "linestyle": (0, (4, 1.2))},
}
LIMITS = {"input_amplitude": 2e-4, "D": 5e-4, "invariants": 2e-7}
"""Largest values that the paper claims."""
LIMIT_LOOK: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a few neurons, then the median neuron's differences."""
    arm = main_arm(tables[NEURONS])
    deviations, drifts, neurons = (
        tables[table][tables[table]["arm"] == arm] for table in (DEVIATIONS, INVARIANTS, NEURONS)
    )
    seed = neurons["seed"].iloc[0]
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 5.0))
    drawing = Drawing(figure)
    shown = _shown_neurons(neurons[neurons["seed"] == seed])
    titles = {"input_amplitude": "input amplitude α", "output_amplitude": "output amplitude β"}
    for ax, (column, title) in zip(axes[0], (titles | {"D": "misalignment D (rad)"}).items(), strict=True):
        _neurons(drawing, ax, column, shown)
        ax.set_title(title)
        if column != "D":
            plain_log(ax)
    share_y_limits(axes[0, :2])
    axes[0, 2].set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    for ax, column, title in (
        (axes[1, 0], "input_amplitude", "|difference| in α"),
        (axes[1, 1], "D", "|difference| in D (rad)"),
    ):
        by_contrast = {name: deviations[deviations["contrast"] == name] for name in CONTRAST_LOOKS}
        _median_neuron(drawing, ax, column, by_contrast, f"{column}_median", CONTRAST_LOOKS)
        ax.set_title(title)
    by_course = {name: drifts[drifts["course"] == name] for name in COURSE_LOOKS}
    _median_neuron(drawing, axes[1, 2], "invariants", by_course, "product_median", COURSE_LOOKS)
    axes[1, 2].set_title("relative drift of α²β sin D")
    for ax in axes.flat:
        linear_steps(ax)
        ax.set_xlim(0, neurons["step"].max() * 1.02)
    letter(list(axes.flat))
    _legends(figure, axes)
    drawing.caption = _caption(arm, seed, len(shown), deviations["seed"].nunique())
    return drawing


def _caption(arm: str, seed: int, n_neurons: int, n: int) -> str:
    seeds = f"a thin line per seed (n = {n}), bold their median" if n > 1 else "n = 1"
    return (
        f"(a–c) {n_neurons} neurons of {arm_label(arm)}, seed {seed}, evenly spaced in |D| at the start: the "
        "decoupled flow (lines) and the training (marks, a shape per neuron). (d, e) Absolute difference "
        f"between training and flow, of the median neuron; {seeds}. Its parts: the gradient flow of the "
        "network's own loss − the decoupled one (softmax not uniform), and the training − that flow (finite "
        "steps, float32). For comparison: the shift from a clock of learning rate × step, in place of the "
        "sum of the learning rates. (f) Drift since the start over α²β at the start, of the median neuron. "
        "Dotted: limits that the paper claims."
    )


def _legends(figure: Figure, axes: np.ndarray) -> None:
    """Draw the legends of marks, of courses and of contrasts."""
    axes[0, 0].legend(
        handles=[
            Line2D([], [], color="0.3", label="flow"),
            Line2D([], [], color="0.3", linestyle="none", marker="o", markersize=3.5, label="training"),
        ],
        loc="upper left",
    )
    contrasts = [Line2D([], [], label=CONTRAST_LABELS[name], **look) for name, look in CONTRAST_LOOKS.items()]
    figure.legend(handles=contrasts, loc="outside upper center", ncols=4, title="differences in (d) and (e)")
    courses = [
        Line2D([], [], label=f"{COURSE_LABELS[name]}, in (f)", **look) for name, look in COURSE_LOOKS.items()
    ]
    limit = Line2D([], [], label="limit that the paper claims, in (d) to (f)", **LIMIT_LOOK)
    figure.legend(handles=[*courses, limit], loc="outside lower center", ncols=3)


def _shown_neurons(neurons: pd.DataFrame) -> list[pd.DataFrame]:
    """Return a few neurons, evenly spaced in |D| at the start."""
    start = neurons[neurons["step"] == neurons["step"].min()].sort_values("D", key=np.abs)
    places = (np.arange(N_NEURONS) + 0.5) / N_NEURONS * len(start)
    chosen = start["neuron"].iloc[np.unique(places.astype(int))]
    return [neurons[neurons["neuron"] == neuron] for neuron in chosen]


def _neurons(drawing: Drawing, ax: Axes, column: str, shown: Sequence[pd.DataFrame]) -> None:
    """Draw neurons: flow as lines, training as marks."""
    for curve, color, marker in zip(shown, COLORS, MARKERS, strict=False):
        neuron = f"neuron {curve['neuron'].iloc[0]}"
        flow = curve[f"flow_{column}"].to_numpy()
        flow = without_jumps(flow) if column == "D" else flow
        drawing.line(ax, column, f"{neuron}, flow", curve["step"], flow, color=color, linewidth=1.1)
        marks = curve.iloc[:: max(1, len(curve) // N_POINTS)]
        look = {"color": color, "marker": marker, "linestyle": "none", "markersize": 3, "markeredgewidth": 0}
        drawing.line(ax, column, neuron, marks["step"], marks[column], **look)


def _median_neuron(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    curves: Mapping[str, pd.DataFrame],
    column: str,
    looks: Mapping[str, dict[str, Any]],
) -> None:
    """Draw the seeds' curves and their median.

    The first checkpoint is left out: all differences are 0 there, and the axis is logarithmic.
    """
    for name, look in looks.items():
        rows = curves[name]
        later = rows[rows["step"] > rows["step"].min()]
        seeds = later["seed"].unique()
        for seed in seeds if len(seeds) > 1 else []:
            curve = later[later["seed"] == seed]
            thin = {"color": look["color"], "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, panel, name, curve["step"], curve[column], seed=seed, **thin)
        centre = later.groupby("step")[column].agg(lambda values: values.median(skipna=False))
        drawing.line(ax, panel, name, centre.index, centre, seed="median", **look)
    drawing.level(ax, panel, "limit", LIMITS[panel], **LIMIT_LOOK)
    ax.set_yscale("log")
