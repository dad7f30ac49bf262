"""Harmonics of trained ReLU neurons beside theory, and how far the ideal neuron is from its limit."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis

TABLES = ("", "_start", "_example", "_ideal")
HARMONICS: dict[int, tuple[str, Any]] = {
    1: ("#26292f", "-"),
    2: ("#3f90da", (0, (4, 1.2))),
    3: ("#bd1f01", "-"),
    4: ("#ffa90e", (0, (4, 1, 1, 1))),
    5: ("#832db6", (0, (1, 1))),
}
"""Colour and line style of each harmonic."""
MAPS = {"input": ("#3f90da", "o"), "output": ("#bd1f01", "s")}
NEAR = 2e-3  # the claim's distance from the limit


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """One neuron's amplitudes, the ideal neuron's errors; then ratios by misalignment and by harmonic."""
    ratios, start, example, ideal = (tables[name] for name in TABLES)
    arm, seed = example.iloc[0][["arm", "seed"]]
    ratios = ratios[ratios["arm"] == arm]
    one = example[(example["arm"] == arm) & (example["seed"] == seed)]
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.7))
    drawing = Drawing(figure)
    for ax, name in zip(axes[0], MAPS, strict=False):
        _amplitudes(drawing, ax, name, one[one["map"] == name])
        _ratios(drawing, axes[1, list(MAPS).index(name) + 1], name, ratios[ratios["map"] == name])
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 1].set_ylabel("ratio to r = 1")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(HARMONICS))
    axes[1, 2].legend(loc="upper right")
    _ideal(drawing, axes[0, 2], ideal)
    _misaligned(drawing, axes[1, 0], start[(start["arm"] == arm) & (start["seed"] == seed)])
    letter(list(axes.flat))
    n, n_aligned = ratios["seed"].nunique(), int(ratios["n_aligned"].iloc[0])
    drawing.caption = (
        f"(a, b) Harmonics r of neuron {one['neuron'].iloc[0]} of {arm}, seed {seed}, the best aligned at "
        f"the start. (c) The ideal aligned neuron: largest distance of the ratio of any harmonic from its "
        f"limit, over its phase; dotted: {NEAR:g}. (d) Every neuron of seed {seed} at the start: its real "
        f"gradient at r over that at r = 1 (points), and the limit of large p (lines). (e, f) Amplitude at r "
        f"over that at r = 1, medians of the {n_aligned} neurons best aligned at the start, bars from 10 to "
        f"90 %; means over seeds (n = {n}); growth is of the weights, up to the second checkpoint."
    )
    return drawing


def _amplitudes(drawing: Drawing, ax: Axes, name: str, own: pd.DataFrame) -> None:
    for r, (color, dash) in HARMONICS.items():
        curve = own[own["harmonic"] == r]
        seen = curve[curve["amplitude"] > 1e-4 * curve["amplitude"].max()]
        look = {"color": color, "linestyle": dash, "label": f"r = {r}"}
        drawing.line(ax, f"amplitudes {name}", f"r = {r}", seen["step"], seen["amplitude"], **look)
    largest = own["amplitude"].max()
    ax.set(title=f"{name} map, one neuron", yscale="log", ylim=(1e-4 * largest, 2 * largest))
    step_axis(ax, own["step"], narrow=True)


def _ideal(drawing: Drawing, ax: Axes, ideal: pd.DataFrame) -> None:
    for name, (color, marker) in MAPS.items():
        own = ideal[ideal["map"] == name]
        drawing.line(ax, "ideal", name, own["p"], own["error"], color=color, marker=marker, label=name)
    drawing.level(ax, "ideal", "claimed", NEAR)
    ax.set(
        title="ideal neuron",
        ylabel="distance from limit",
        xlabel="p",
        xscale="log",
        yscale="log",
        xlim=(9, 250),
    )
    ticks = sorted(set(ideal["p"]) - {113})
    ax.set_xticks(ticks, [str(p) for p in ticks])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend()


def _misaligned(drawing: Drawing, ax: Axes, start: pd.DataFrame) -> None:
    for r in (3, 5):
        own = start[(start["map"] == "input") & (start["harmonic"] == r)]
        own = own.assign(D=own["D"].abs()).sort_values("D")
        color, dash = HARMONICS[r]
        look = {"color": color, "marker": ".", "linestyle": "none", "markersize": 2.5, "alpha": 0.5}
        drawing.line(ax, "misaligned", f"r = {r}", own["D"], own["gradient"], **look)
        look = {"color": "black", "linestyle": dash, "linewidth": 0.8}
        drawing.line(ax, "misaligned", f"r = {r}, limit", own["D"], own["limit"], **look)
        ax.annotate(
            f"r = {r}", (0.1, own["limit"].max()), xytext=(0, 3), textcoords="offset points", fontsize=7
        )
    ax.set_xticks([0, np.pi / 2, np.pi], ["0", "π/2", "π"])
    ax.set(title="input gradient at the start", xlabel="misalignment |D|", ylabel="ratio to r = 1")
    ax.set_ylim(0, 0.72)


def _ratios(drawing: Drawing, ax: Axes, name: str, own: pd.DataFrame) -> None:
    own = own[own["harmonic"] > 1]
    steps = sorted(own["step"].unique())
    kinds = (
        ("gradient", "gradient at the start", steps[0], "o", "#26292f"),
        ("growth", "growth at the start", steps[min(1, len(steps) - 1)], "^", "#3f90da"),
        ("weights", "weights at the end", steps[-1], "s", "#ffa90e"),
    )
    limit = own.groupby("harmonic")["limit"].first()
    x = limit.index.to_numpy()
    ax.hlines(limit, x - 0.4, x + 0.4, color="#bd1f01", linewidth=1, label="limit of large p")
    drawing.note(f"ratios {name}", "limit", x=x, y=limit)
    for place, (column, label, step, marker, color) in enumerate(kinds):
        at = own[own["step"] == step].groupby("harmonic")[[column, f"{column}_low", f"{column}_high"]].mean()
        y, low, high = at.to_numpy().T
        look: dict[str, Any] = {"marker": marker, "color": color, "linestyle": "none", "markersize": 3.5}
        ax.errorbar(x + 0.22 * (place - 1), y, (y - low, high - y), label=label, linewidth=0.8, **look)
        drawing.note(f"ratios {name}", label, "mean", x=x, y=y, low=low, high=high)
    ax.set_xticks(x)
    ax.set(title=f"{name} map, aligned neurons", xlabel="harmonic r", ylim=(0, 1.3 * limit.max()))
