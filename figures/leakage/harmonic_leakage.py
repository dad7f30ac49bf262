"""Figure `leakage`: harmonics of trained ReLU neurons, with limits from theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from analyses.leakage.schema import EXAMPLE, IDEAL, NEAR, SHARES, START
from analyses.tables.labels import arm_label
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, share_y_limits, step_axis

HARMONICS: dict[int, dict[str, Any]] = {
    1: {"color": "#26292f", "linestyle": "-"},
    2: {"color": "#3f90da", "linestyle": (0, (4, 1.2))},
    3: {"color": "#bd1f01", "linestyle": "-"},
    4: {"color": "#ffa90e", "linestyle": (0, (4, 1, 1, 1))},
    5: {"color": "#832db6", "linestyle": (0, (1, 1))},
}
"""Colour and line style of each harmonic."""
MAPS = {"input": ("#3f90da", "o"), "output": ("#bd1f01", "s")}
"""Colour and marker of each map."""
SMALLEST = 1e-4
"""Smallest amplitude drawn, over the largest of the neuron."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw one neuron's harmonics, the ideal neuron, ratios of all neurons."""
    example, start = tables[EXAMPLE], tables[START]
    arm = main_arm(example)
    example, start, shares = (table[table["arm"] == arm] for table in (example, start, tables[SHARES]))
    seed = example["seed"].iloc[0]
    neuron_rows, start = (table[table["seed"] == seed] for table in (example, start))
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.9))
    drawing = Drawing(figure)
    for place, name in enumerate(MAPS):
        _amplitudes(drawing, axes[0, place], name, neuron_rows[neuron_rows["map"] == name])
        _ratios(drawing, axes[1, place + 1], name, shares[shares["map"] == name])
    share_y_limits(axes[0, :2])
    share_y_limits(axes[1, 1:])
    axes[0, 0].set_ylabel("amplitude")
    for ax in axes[1, 1:]:
        ax.set_ylabel("ratio to r = 1")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=len(HARMONICS),
        title="harmonics r in (a), (b) and (d)",
    )
    handles, labels = axes[1, 2].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, title="aligned neurons in (e) and (f)"
    )
    _ideal(drawing, axes[0, 2], tables[IDEAL])
    _misaligned(drawing, axes[1, 0], start)
    letter(list(axes.flat))
    n, n_aligned = shares["seed"].nunique(), int(shares["n_aligned"].iloc[0])
    drawing.caption = (
        f"(a, b) Harmonics r of neuron {neuron_rows['neuron'].iloc[0]} of {arm_label(arm)}, seed {seed}, the "
        f"best aligned at the start; amplitudes below {SMALLEST:g} of the largest are not drawn. (c) The "
        "ideal aligned neuron: largest distance of the ratio of any harmonic from its limit, over its phase; "
        f"dotted: {NEAR:g}, the claim. (d) Every neuron of seed {seed} at the start: gradient of the input "
        "map at r = 3 (red) and r = 5 (purple) over that at r = 1, and the limit of large p (lines). (e, f) "
        f"Amplitude at r over that at r = 1, medians of the {n_aligned} neurons best aligned at the start, "
        f"bars from 10 to 90 %; means over seeds (n = {n}); growth is of the weights, up to the second "
        "checkpoint."
    )
    return drawing


def _amplitudes(drawing: Drawing, ax: Axes, name: str, example: pd.DataFrame) -> None:
    """Draw a neuron's harmonics in one map over steps."""
    largest = example["amplitude"].max()
    for r, look in HARMONICS.items():
        curve = example[(example["harmonic"] == r) & (example["amplitude"] > SMALLEST * largest)]
        drawing.line(
            ax, f"amplitudes {name}", f"r = {r}", curve["step"], curve["amplitude"], label=f"r = {r}", **look
        )
    ax.set(title=f"{name} map, one neuron", yscale="log", ylim=(SMALLEST * largest, 2 * largest))
    step_axis(ax, example["step"], narrow=True)


def _ideal(drawing: Drawing, ax: Axes, ideal: pd.DataFrame) -> None:
    """Draw the ideal neuron's distance from the limit over p."""
    for name, (color, marker) in MAPS.items():
        curve = ideal[ideal["map"] == name]
        drawing.line(
            ax, "ideal", name, curve["p"], curve["error"], color=color, marker=marker, label=f"{name} map"
        )
    drawing.level(ax, "ideal", "claim", NEAR, label=f"claim, {NEAR:g}")
    ax.set(title="ideal neuron", ylabel="distance from limit", xlabel="p", xscale="log", yscale="log")
    ax.set_xlim(9, 250)
    ticks = [p for p in sorted(set(ideal["p"])) if p != 113]  # its label would overlap that of 97
    ax.set_xticks(ticks, [str(p) for p in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()


def _misaligned(drawing: Drawing, ax: Axes, start: pd.DataFrame) -> None:
    """Draw every neuron's input gradient at odd harmonics over |D|."""
    points = {"marker": ".", "linestyle": "none", "markersize": 2.5, "alpha": 0.5}
    for r in (3, 5):
        neurons = start[(start["map"] == "input") & (start["harmonic"] == r)]
        neurons = neurons.assign(D=neurons["D"].abs()).sort_values("D")
        color = HARMONICS[r]["color"]
        drawing.line(ax, "misaligned", f"r = {r}", neurons["D"], neurons["gradient"], color=color, **points)
        line = {"color": "black", "linestyle": HARMONICS[r]["linestyle"], "linewidth": 0.8}
        drawing.line(ax, "misaligned", f"r = {r}, limit", neurons["D"], neurons["limit"], **line)
    ax.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
    ax.set(title="input gradient at the start", xlabel="misalignment |D| (rad)", ylabel="ratio to r = 1")
    ax.set_ylim(0, 0.85)
    handles = [
        Line2D([], [], color="0.4", marker=".", linestyle="none", label="neurons"),
        Line2D([], [], color="black", linewidth=0.8, label="limit of large p"),
    ]
    ax.legend(handles=handles, loc="upper center", ncols=2, columnspacing=1.0, handlelength=1.4)


def _ratios(drawing: Drawing, ax: Axes, name: str, shares: pd.DataFrame) -> None:
    """Draw ratios of gradient, growth and weights, with the limit."""
    shares = shares[shares["harmonic"] > 1]
    steps = sorted(shares["step"].unique())
    kinds = (
        ("gradient", "gradient at the start", steps[0], "o", "#26292f"),
        ("growth", "growth at the start", steps[min(1, len(steps) - 1)], "^", "#3f90da"),
        ("weights", "weights at the end", steps[-1], "s", "#ffa90e"),
    )
    limit = shares.groupby("harmonic")["limit"].first()
    x = limit.index.to_numpy()
    ax.hlines(limit, x - 0.4, x + 0.4, color="#bd1f01", linewidth=1, label="limit of large p")
    drawing.note(f"ratios {name}", "limit", x=x, y=limit)
    for place, (column, label, step, marker, color) in enumerate(kinds):
        at_step = shares[shares["step"] == step].groupby("harmonic")
        y, low, high = (at_step[c].mean().to_numpy() for c in (column, f"{column}_low", f"{column}_high"))
        look: dict[str, Any] = {"marker": marker, "color": color, "linestyle": "none", "markersize": 3.5}
        ax.errorbar(x + 0.22 * (place - 1), y, (y - low, high - y), label=label, linewidth=0.8, **look)
        drawing.note(f"ratios {name}", label, "mean", x=x, y=y, low=low, high=high)
    ax.set_xticks(x)
    ax.set(title=f"{name} map, aligned neurons", xlabel="harmonic r", ylim=(0, 1.3 * limit.max()))
