"""Figure `phase_rings`: input phases of the neurons of each frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.phases.schema import GROUPS, NEURONS
from analyses.tables.labels import arm_label
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import DOUBLE, table_styles
from training.schema.validation import names, require

COLUMNS = 6


def draw(tables: Mapping[TableKey, pd.DataFrame], *, circles: int, seed: int | None) -> Drawing:
    """Draw one network's last input phases, a circle per frequency.

    Parameters
    ----------
    circles : int
        Largest number of frequencies, those of most neurons.
    seed : int, optional
        Seed of the network; by default the first of the table.

    Raises
    ------
    ConfigError
        If the table has no network of the seed.
    """
    neurons, groups = tables[NEURONS], tables[GROUPS]
    arm = main_arm(neurons)
    label, seeds = arm_label(arm), neurons.loc[neurons["arm"] == arm, "seed"]
    seed = seeds.iloc[0] if seed is None else seed
    require(seed in set(seeds), "--seed", f"one of {names(map(str, sorted(set(seeds))))}", seed)
    network_neurons, network_groups = (_last(table, arm, seed) for table in (neurons, groups))
    shown = network_groups.nlargest(circles, "n_neurons").sort_values("frequency")
    rows = -(-len(shown) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(DOUBLE, 0.55 + 1.4 * rows), squeeze=False)
    drawing = Drawing(figure)
    color = table_styles(neurons)[arm]["color"]
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
        ax.axis("off")
    for ax, group in zip(axes.ravel(), shown.itertuples(), strict=False):
        phase = network_neurons.loc[network_neurons["frequency"] == group.frequency, "input_phase"]
        _circle(drawing, ax, group, phase.dropna().to_numpy(), seed, color)
    omitted = len(network_groups) - len(shown)
    figure.suptitle(
        f"Input phases φ of the neurons of each frequency k: {label}, seed {seed}\n"
        "N neurons; R$_1$ = |mean exp(iφ)|, R$_2$ = |mean exp(2iφ)|; random: expected of N random phases",
        fontsize=8,
    )
    drawing.caption = (
        f"Input phase φ of every live neuron of {label}, seed {seed} (one of n = "
        f"{seeds.nunique()}), at the last checkpoint, a circle per frequency "
        f"k{f'; {omitted} frequencies of fewest neurons are left out' if omitted else ''}. N: neurons; R₁, "
        "R₂: length of the mean of exp(iφ), exp(2iφ), 0 if the phases are spread evenly; random: length "
        "expected of N independent phases."
    )
    return drawing


def _last(table: pd.DataFrame, arm: str, seed: int) -> pd.DataFrame:
    """Return one network's rows at its last checkpoint."""
    rows = table[(table["arm"] == arm) & (table["seed"] == seed)]
    return rows[rows["step"] == rows["step"].max()]


def _circle(drawing: Drawing, ax: Axes, group: Any, phase: np.ndarray, seed: int, color: str) -> None:
    """Draw one frequency's phases on a circle, numbers inside."""
    turn = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(turn), np.sin(turn), color="0.8", linewidth=0.6)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 2.6, "markeredgewidth": 0}
    ax.plot(np.cos(phase), np.sin(phase), color=color, alpha=0.7, **look)
    ax.set_title(f"$k$ = {group.frequency}", loc="center")
    lines = (
        f"N = {group.n_neurons}",
        f"R$_1$ = {group.R_1:.2f}",
        f"R$_2$ = {group.R_2:.2f}",
        f"random {group.rayleigh:.2f}",
    )
    ax.text(0, 0, "\n".join(lines), ha="center", va="center", fontsize=7)
    panel = f"frequency {group.frequency}"
    drawing.note(panel, "input phase", seed, y=phase)
    for name, value in (("R_1", group.R_1), ("R_2", group.R_2), ("rayleigh", group.rayleigh)):
        drawing.note(panel, name, seed, value=value)
