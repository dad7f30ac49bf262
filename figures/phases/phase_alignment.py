"""Phase alignment: output phase against twice the input phase, and how the agreement grows."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, step_axis

TABLES = ("", "_neurons")
MOST_ARMS = 4


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A scatter per arm at its last checkpoint; then alignment and agreement over steps."""
    means, neurons = tables[""], tables["_neurons"]
    arms = list(dict.fromkeys(means["arm"]))[:MOST_ARMS]
    alone = len(arms) == 1  # then all panels stand in one row
    figure = plt.figure(figsize=(DOUBLE, 2.2 if alone else 4.3))
    grid = figure.add_gridspec(1, 12) if alone else figure.add_gridspec(2, 12)
    drawing = Drawing(figure)
    width = 3 if alone else 12 // len(arms)
    scatters = [figure.add_subplot(grid[0, width * i : width * (i + 1)]) for i in range(len(arms))]
    for ax, arm in zip(scatters, arms, strict=True):
        _scatter(drawing, ax, arm, neurons)
    scatters[0].set_ylabel("output phase ψ")
    columns = [(3 * i + 3, 3 * i + 6) if alone else (4 * i, 4 * i + 4) for i in range(3)]
    curves = [figure.add_subplot(grid[-1, start:end]) for start, end in columns]
    panels = (
        ("mean_cos", "mean cos D", (-0.15, 1.05), 0.0),
        ("mean_abs_sin", "mean |sin D|", (0, 0.8), 2 / np.pi),
        ("same_frequency", "same frequency", (0, 1.05), None),
    )
    for ax, (name, title, limits, chance) in zip(curves, panels, strict=True):
        drawing.arms(ax, name, means, name)
        level = float(means["same_frequency_chance"].iloc[0]) if chance is None else chance
        drawing.level(ax, name, "uniform phases or frequencies", level)
        ax.set(title=title, ylim=limits)
        step_axis(ax, means["step"], narrow=alone)
    curves[2].set_ylabel("share of neurons")
    letter([*scatters, *curves])
    arm_legend(figure, means)
    drawing.caption = (
        f"Scatter: every live neuron of all seeds at its last checkpoint, one point each, phases at the "
        f"neuron's input frequency; points whose output weights have another frequency are hollow. Line: "
        f"ψ = 2φ. Curves: D = 2φ − ψ; means over live neurons; dotted: uniform phases (0, 2/π), "
        f"frequencies (1/K). {seeds_and_centre(means)}"
    )
    return drawing


def _scatter(drawing: Drawing, ax: Axes, arm: str, neurons: pd.DataFrame) -> None:
    own = neurons[neurons["arm"] == arm]
    own = own[own["step"] == own.groupby("seed")["step"].transform("max")].dropna(subset=["D"])
    style = arm_styles([arm])[arm]
    twice = np.angle(np.exp(2j * own["input_phase"].to_numpy()))
    same = (own["frequency"] == own["output_frequency"]).to_numpy()
    drawing.line(ax, f"phases {arm}", "ψ = 2φ", [-np.pi, np.pi], [-np.pi, np.pi], color="0.6", linewidth=0.7)
    look = {"linestyle": "none", "marker": "o", "markersize": 2.6, "color": style["color"]}
    for series, chosen, extra in (
        ("same frequency", same, {"markeredgewidth": 0, "alpha": 0.7}),
        ("other frequency", ~same, {"markerfacecolor": "none", "markeredgewidth": 0.5}),
    ):
        y = own["output_phase"].to_numpy()[chosen]
        drawing.line(ax, f"phases {arm}", series, twice[chosen], y, **(look | extra))
    ticks = [-np.pi, 0, np.pi]
    ax.set_xticks(ticks, ["−π", "0", "π"])
    ax.set_yticks(ticks, ["−π", "0", "π"])
    ax.set(
        title=style["label"], xlabel="2 × input phase φ", xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal"
    )
