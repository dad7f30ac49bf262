"""Figure `leakage`: harmonics of ReLU neurons against theory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from analyses.leakage.schema import EXAMPLE, IDEAL, SHARES, START
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis

HARMONICS: dict[int, tuple[str, Any]] = {
    1: ("#26292f", "-"),
    2: ("#3f90da", (0, (4, 1.2))),
    3: ("#bd1f01", "-"),
    4: ("#ffa90e", (0, (4, 1, 1, 1))),
    5: ("#832db6", (0, (1, 1))),
}
"""Colour and line style of each harmonic."""
MAPS = {"input": ("#3f90da", "o"), "output": ("#bd1f01", "s")}
NEAR = 2e-3
"""Distance from the limit within which the claim holds."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw one neuron, the ideal neuron's errors, and ratios by misalignment and harmonic."""
    ratios, start, example, ideal = (tables[table] for table in (SHARES, START, EXAMPLE, IDEAL))
    arm, seed = example.iloc[0][["arm", "seed"]]
    ratios = ratios[ratios["arm"] == arm]
    neuron = example[(example["arm"] == arm) & (example["seed"] == seed)]
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.7))
    drawing = Drawing(figure)
    for ax, name in zip(axes[0], MAPS, strict=False):
        _amplitudes(drawing, ax, name, neuron[neuron["map"] == name])
        _ratios(drawing, axes[1, list(MAPS).index(name) + 1], name, ratios[ratios["map"] == name])
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 1].set_ylabel("ratio to r = 1")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(HARMONICS))
    axes[1, 2].legend(loc="upper right")
    _ideal(drawing, axes[0, 2], ideal)
    _misaligned(drawing, axes[1, 0], start[(start["arm"] == arm) & (start["seed"] == seed)])
    letter(list(axes.flat))
    n, n_aligned = ratios["seed"].nunique(), int(ratios["n_aligned"].iloc[0])
    neuron_index = neuron["neuron"].iloc[0]
    drawing.caption = (
        f"(a, b) Harmonics r of neuron {neuron_index} of {arm_label(arm)}, seed {seed}, best aligned at the "
        f"start. (c) The ideal aligned neuron: largest distance of the ratio of any harmonic from its limit, "
        f"over its phase; dotted: {NEAR:g}. (d) Every neuron of seed {seed} at the start: its gradient at r "
        f"over that at r = 1 (points), and the limit of large p (lines). (e, f) Amplitude at r over that at "
        f"r = 1, medians of the {n_aligned} neurons best aligned at the start, bars from 10 to 90 %; means "
        f"over seeds (n = {n}); growth is of the weights, up to the second checkpoint."
    )
    return drawing


def _amplitudes(drawing: Drawing, ax: Axes, name: str, neuron: pd.DataFrame) -> None:
    """Draw one neuron's amplitude at each harmonic over steps."""
    for r, (color, dash) in HARMONICS.items():
        curve = neuron[neuron["harmonic"] == r]
        visible = curve[curve["amplitude"] > 1e-4 * curve["amplitude"].max()]
        look = {"color": color, "linestyle": dash, "label": f"r = {r}"}
        drawing.line(ax, f"amplitudes {name}", f"r = {r}", visible["step"], visible["amplitude"], **look)
    largest = neuron["amplitude"].max()
    ax.set(title=f"{name} map, one neuron", yscale="log", ylim=(1e-4 * largest, 2 * largest))
    step_axis(ax, neuron["step"], narrow=True)


def _ideal(drawing: Drawing, ax: Axes, ideal: pd.DataFrame) -> None:
    """Draw the ideal neuron's distance from the limits over p."""
    for name, (color, marker) in MAPS.items():
        rows = ideal[ideal["map"] == name]
        look = {"color": color, "marker": marker, "label": f"{name} map"}
        drawing.line(ax, "ideal", name, rows["p"], rows["error"], **look)
    drawing.level(ax, "ideal", "claimed", NEAR, label=f"claim: {NEAR:g}")
    ax.set(
        title="ideal neuron",
        ylabel="distance from limit",
        xlabel="residues p",
        xscale="log",
        yscale="log",
        xlim=(9, 250),
    )
    ticks = sorted(set(ideal["p"]) - {113})
    ax.set_xticks(ticks, [str(p) for p in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()


def _misaligned(drawing: Drawing, ax: Axes, start: pd.DataFrame) -> None:
    """Draw the first gradient's ratios of every neuron by its misalignment."""
    for r in (3, 5):
        neurons = start[(start["map"] == "input") & (start["harmonic"] == r)]
        neurons = neurons.assign(D=neurons["D"].abs()).sort_values("D")
        color, dash = HARMONICS[r]
        look = {"color": color, "marker": ".", "linestyle": "none", "markersize": 2.5, "alpha": 0.5}
        drawing.line(ax, "misaligned", f"r = {r}", neurons["D"], neurons["gradient"], **look)
        look = {"color": "black", "linestyle": dash, "linewidth": 0.8}
        drawing.line(ax, "misaligned", f"r = {r}, limit", neurons["D"], neurons["limit"], **look)
        ax.annotate(
            f"r = {r}", (0.1, neurons["limit"].max()), xytext=(0, 3), textcoords="offset points", fontsize=7
        )
    ax.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
    ax.set(title="input gradient at the start", xlabel="misalignment |D|", ylabel="ratio to r = 1")
    ax.set_ylim(0, 0.72)


def _ratios(drawing: Drawing, ax: Axes, name: str, ratios: pd.DataFrame) -> None:
    """Draw the aligned neurons' ratios by harmonic, beside the limit."""
    ratios = ratios[ratios["harmonic"] > 1]
    steps = sorted(ratios["step"].unique())
    kinds = (
        ("gradient", "gradient at the start", steps[0], "o", "#26292f"),
        ("growth", "growth at the start", steps[min(1, len(steps) - 1)], "^", "#3f90da"),
        ("weights", "weights at the end", steps[-1], "s", "#ffa90e"),
    )
    limit = ratios.groupby("harmonic")["limit"].first()
    x = limit.index.to_numpy()
    ax.hlines(limit, x - 0.4, x + 0.4, color="#bd1f01", linewidth=1, label="limit of large p")
    drawing.note(f"ratios {name}", "limit", x=x, y=limit)
    for place, (column, label, step, marker, color) in enumerate(kinds):
        at_step = ratios[ratios["step"] == step].groupby("harmonic")
        y, low, high = at_step[[column, f"{column}_low", f"{column}_high"]].mean().to_numpy().T
        look: dict[str, Any] = {"marker": marker, "color": color, "linestyle": "none", "markersize": 3.5}
        ax.errorbar(x + 0.22 * (place - 1), y, (y - low, high - y), label=label, linewidth=0.8, **look)
        drawing.note(f"ratios {name}", label, "mean", x=x, y=y, low=low, high=high)
    ax.set_xticks(x)
    ax.set(title=f"{name} map, aligned neurons", xlabel="harmonic r", ylim=(0, 1.3 * limit.max()))
