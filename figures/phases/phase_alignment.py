"""Figure `phases`: output phase against twice the input phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.phases.schema import MEANS, NEURONS
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, step_axis, table_styles

MOST_ARMS = 4
"""Largest number of arms with a scatter panel."""
POINTS: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6}
ONE_FREQUENCY: dict[str, Any] = POINTS | {"markeredgewidth": 0, "alpha": 0.7}
TWO_FREQUENCIES: dict[str, Any] = POINTS | {"markerfacecolor": "none", "markeredgewidth": 0.5}
IDENTITY: dict[str, Any] = {"color": "0.6", "linewidth": 0.7}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw phases at the last checkpoint, alignment over steps."""
    means, neurons = tables[MEANS], tables[NEURONS]
    styles = table_styles(means)
    arms = list(dict.fromkeys(means["arm"]))
    shown = arms[:MOST_ARMS]
    alone = len(shown) == 1  # then all panels fit into one row
    figure = plt.figure(figsize=(DOUBLE, 2.2 if alone else 4.3))
    grid = figure.add_gridspec(1, 12) if alone else figure.add_gridspec(2, 12)
    drawing = Drawing(figure)
    width = 3 if alone else 12 // len(shown)
    scatters = [figure.add_subplot(grid[0, width * i : width * (i + 1)]) for i in range(len(shown))]
    for ax, arm in zip(scatters, shown, strict=True):
        _scatter(drawing, ax, arm, neurons[neurons["arm"] == arm], styles[arm]["color"])
    columns = [(3 * i + 3, 3 * i + 6) if alone else (4 * i, 4 * i + 4) for i in range(3)]
    curves = [figure.add_subplot(grid[-1, start:end]) for start, end in columns]
    chance = float(means["same_frequency_chance"].iloc[0])
    panels = (
        ("mean_cos", "phase alignment", "mean cos(2φ − ψ)", (-0.15, 1.05), 0.0),
        ("mean_abs_sin", "misalignment", "mean |sin(2φ − ψ)|", (0, 0.8), 2 / np.pi),
        ("same_frequency", "same frequency", "share of neurons", (0, 1.05), chance),
    )
    for ax, (column, title, label, limits, level) in zip(curves, panels, strict=True):
        drawing.arms(ax, column, means, column)
        drawing.level(ax, column, "uniform phases or frequencies", level)
        ax.set(title=title, ylabel=label, ylim=limits)
        step_axis(ax, means["step"], narrow=alone)
    letter([*scatters, *curves])
    arm_legend(figure, means, _handles())
    drawing.caption = (
        "Scatter: every live neuron of all seeds at its last checkpoint, one point each, phases at the "
        "neuron's input "
        f"frequency{f'; the first {MOST_ARMS} of {len(arms)} arms' if len(arms) > MOST_ARMS else ''}. "
        "Hollow: the output weights have another frequency. Line: ψ = 2φ. Curves: means over live neurons; "
        f"dotted: uniform phases (0, 2/π), uniform frequencies (1/K). {seeds_and_centre(means)}"
    )
    return drawing


def _scatter(drawing: Drawing, ax: Axes, arm: str, neurons: pd.DataFrame, color: str) -> None:
    """Draw an arm's output phases against its input phases."""
    last = neurons[neurons["step"] == neurons.groupby("seed")["step"].transform("max")].dropna(subset=["D"])
    twice = np.angle(np.exp(2j * last["input_phase"].to_numpy()))
    output_phase = last["output_phase"].to_numpy()
    same = (last["frequency"] == last["output_frequency"]).to_numpy()
    panel = f"phases {arm}"
    drawing.line(ax, panel, "ψ = 2φ", [-np.pi, np.pi], [-np.pi, np.pi], **IDENTITY)
    for series, chosen, look in (
        ("same frequency", same, ONE_FREQUENCY),
        ("other frequency", ~same, TWO_FREQUENCIES),
    ):
        drawing.line(ax, panel, series, twice[chosen], output_phase[chosen], color=color, **look)
    ticks = [-np.pi, 0, np.pi]
    ax.set_xticks(ticks, ["−π", "0", "π"])
    ax.set_yticks(ticks, ["−π", "0", "π"])
    ax.set(title=arm_label(arm), xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal")
    ax.set(xlabel="2 × input phase φ", ylabel="output phase ψ")


def _handles() -> list[Line2D]:
    return [
        Line2D([], [], color="0.45", label="one frequency in both weights", **ONE_FREQUENCY),
        Line2D([], [], color="0.45", label="two frequencies", **TWO_FREQUENCIES),
        Line2D([], [], label="ψ = 2φ", **IDENTITY),
        Line2D([], [], color="0.45", linewidth=0.8, linestyle=":", label="random phases or frequencies"),
    ]
