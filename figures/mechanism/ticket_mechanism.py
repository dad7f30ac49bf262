"""Tickets and the mechanism: neurons that settle, frequencies that survive pruning, and what tells them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, step_axis

TABLES = ("", "_stages", "_frequencies", "_winners")
STAGES = {
    "dense_start": "dense, start",
    "dense_t_gen": "dense, at $t_{gen}$",
    "dense_end": "dense, end",
    "pruned": "dense, pruned",
    "start": "own start",
    "end": "own end",
}
SOURCES = {
    "mask": "mask",
    "mask_doubled": "mask,\nat 2k",
    "signs": "mask,\nsigns",
    "start": "own\nstart",
    "unmasked": "start,\nunpruned",
}
RULE = "min_blowup_time"
SHOWN = "grokked_ticket"
"""The arm whose frequencies are drawn; the first one where there is no such."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Settling over steps, one ticket's spectra, agreement with the dense network, and with what was told."""
    table, stages = tables[""], tables["_stages"]
    figure = plt.figure(figsize=(DOUBLE, 5.2))
    grid = figure.add_gridspec(2, 2)
    drawing = Drawing(figure)
    settled, spectra, kept, told = (
        figure.add_subplot(grid[place]) for place in ((0, 0), (0, 1), (1, 0), (1, 1))
    )
    drawing.arms(settled, "settled", table, "settled_weighted")
    settled.set(title="energy of neurons that have their last frequency", ylabel="share", ylim=(0, 1.04))
    step_axis(settled, table["step"])
    whose = _spectra(drawing, spectra, tables["_frequencies"])
    _kept(drawing, kept, stages)
    _told(drawing, told, tables["_winners"])
    letter([settled, spectra, kept, told])
    arm_legend(figure, table)
    drawing.caption = (
        f"(a) Neurons by their energy at the last checkpoint; in the end all have settled. "
        f"{seeds_and_centre(table)} (b) Share of the neurons' energy at every frequency, {whose}. "
        f"(c) Neurons that have the frequency with which the same neuron of the dense network ends; pruned: "
        f"the dense network's last weights, as far as the mask keeps them. (d) Neurons whose last "
        f"frequency the least blow-up time names: from the mask, all kept weights alike; from the same read "
        f"at twice each frequency; with the start's signs; from the start's weights; from these unpruned. "
        f"(c, d) One point per network, with its Wilson interval (95 %), neurons taken as independent; short "
        f"lines: the same frequencies dealt out at random; dotted: 1/K."
    )
    return drawing


def _spectra(drawing: Drawing, ax: Axes, frequencies: pd.DataFrame) -> str:
    """Draw one network's stages below one another; returns whose they are."""
    ax.set(title="energy at every frequency", xlabel="frequency k")
    if frequencies.empty:
        ax.set_axis_off()
        return "of no network: none has a mask and a dense network of the same start"
    arms = list(dict.fromkeys(frequencies["arm"]))
    arm = SHOWN if SHOWN in arms else arms[0]
    own = frequencies[frequencies["arm"] == arm]
    seed = own["seed"].iloc[0]
    own = own[own["seed"] == seed]
    shares = own.pivot(index="stage", columns="frequency", values="share")
    shares = shares.loc[[stage for stage in STAGES if stage in shares.index]]
    places = np.arange(1, len(shares) + 1)
    mesh = drawing.heat(
        ax, "spectra", arm, seed, shares.columns, places, shares.to_numpy(), cmap="magma_r", vmin=0
    )
    ax.figure.colorbar(mesh, ax=ax, pad=0.02, label="share")
    ax.set_yticks(places, [STAGES[stage] for stage in shares.index])
    ax.set(xlim=(0.5, shares.columns.max() + 0.5), ylim=(len(shares) + 0.5, 0.5))
    ax.tick_params(axis="y", length=0)
    return f"{arm_styles(arms)[arm]['label']}, seed {seed}"


def _kept(drawing: Drawing, ax: Axes, stages: pd.DataFrame) -> None:
    names = ["pruned", "start", "end"]
    own = stages[stages["reference"] == "dense_end"]
    _points(drawing, ax, "kept", own.rename(columns={"same": "share"}), "stage", names)
    ax.set_xticks(range(len(names)), [STAGES[name] for name in names])
    ax.set(title="neurons with the dense network's frequency", ylabel="share")


def _told(drawing: Drawing, ax: Axes, winners: pd.DataFrame) -> None:
    own = winners[winners["rule"] == RULE]
    _points(drawing, ax, "told", own, "source", list(SOURCES))
    drawing.level(ax, "told", "1/K", float(own["chance"].iloc[0]))
    ax.set_xticks(range(len(SOURCES)), list(SOURCES.values()))
    ax.set(title="neurons whose last frequency is told by", ylabel="share")


def _points(
    drawing: Drawing, ax: Axes, panel: str, table: pd.DataFrame, column: str, names: list[str]
) -> None:
    """A point with its interval, and a line for chance, per network and entry of the column."""
    ax.set_ylim(0, 1.04)
    ax.tick_params(axis="x", length=0)
    networks = table[["arm", "seed"]].drop_duplicates().to_numpy()
    styles = arm_styles(list(dict.fromkeys(table["arm"])))
    width = 0.8 / max(len(networks), 1)
    for place, (arm, seed) in enumerate(networks):
        own = table[(table["arm"] == arm) & (table["seed"] == seed)].set_index(column).reindex(names)
        x = np.arange(len(names)) - 0.4 + (place + 0.5) * width
        share, low, high = (own[name].to_numpy() for name in ("share", "low", "high"))
        look = {"color": styles[arm]["color"], "marker": styles[arm]["marker"], "linestyle": "none"}
        ax.errorbar(x, share, (share - low, high - share), markersize=2.6, linewidth=0.7, **look)
        drawing.note(panel, arm, seed, x=x, y=share, low=low, high=high)
        ax.hlines(own["shuffled_chance"], x - width / 2, x + width / 2, color=look["color"], linewidth=1.2)
        drawing.note(panel, f"{arm}, at random", seed, x=x, y=own["shuffled_chance"])
