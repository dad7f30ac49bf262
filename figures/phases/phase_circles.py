"""Input phases of the neurons of every frequency, on a circle each."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import DOUBLE, arm_styles

TABLES = ("_neurons", "_groups")
MOST_RINGS, COLUMNS = 12, 6


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """One arm's first seed at its last checkpoint; the frequencies that most neurons have."""
    neurons, groups = tables["_neurons"], tables["_groups"]
    arm, seed = neurons["arm"].iloc[0], neurons["seed"].iloc[0]
    own, group = (
        table[(table["arm"] == arm) & (table["seed"] == seed)].query("step == step.max()")
        for table in (neurons, groups)
    )
    group = group.nlargest(MOST_RINGS, "n_neurons").sort_values("frequency")
    rows = -(-len(group) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(DOUBLE, 1.4 * rows), squeeze=False)
    drawing = Drawing(figure)
    circle = np.linspace(0, 2 * np.pi, 200)
    color = arm_styles([arm])[arm]["color"]
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
        ax.axis("off")
    for ax, ring in zip(axes.ravel(), group.itertuples(), strict=False):
        phase = own.loc[own["frequency"] == ring.frequency, "input_phase"].dropna().to_numpy()
        panel = f"frequency {ring.frequency}"
        ax.plot(np.cos(circle), np.sin(circle), color="0.8", linewidth=0.6)
        ax.plot(
            np.cos(phase),
            np.sin(phase),
            linestyle="none",
            marker="o",
            markersize=2.6,
            color=color,
            alpha=0.7,
            markeredgewidth=0,
        )
        drawing.note(panel, "input phase", seed, y=phase)
        ax.set_title(f"$k$ = {ring.frequency}", loc="center")
        ax.text(
            0,
            0,
            f"$N$ = {ring.n_neurons}\n$R_1$ = {ring.R_1:.2f}\n$R_2$ = {ring.R_2:.2f}\n({ring.rayleigh:.2f})",
            ha="center",
            va="center",
            fontsize=7,
        )
        for name in ("R_1", "R_2", "rayleigh"):
            drawing.note(panel, name, seed, value=getattr(ring, name))
    label = arm_styles([arm])[arm]["label"]
    total = neurons.groupby("arm")["seed"].nunique()[arm]
    drawing.caption = (
        f"Input phase φ of every live neuron of {label}, seed {seed} (one of n = {total}), at the last "
        f"checkpoint, a circle per frequency "
        f"k{', those of most neurons' if len(group) == MOST_RINGS else ''}. N: neurons; R₁, R₂: length "
        f"of the mean of exp(iφ), exp(2iφ); in brackets what N independent phases average."
    )
    return drawing
