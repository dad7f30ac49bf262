"""Figure `periodicity`: how concentrated the neurons' spectra become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.fourier.schema import INPUT_WEIGHTS, MEANS, NEURONS, SPECTRA
from analyses.tables.labels import arm_label, layer_label
from analyses.tables.roles import compared_arms, main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, step_axis

N_NEURONS = 3
"""Neurons whose weights are shown."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw entropy and IPR through training, the embedding's spectrum, single neurons."""
    means, spectra = tables[MEANS], tables[SPECTRA]
    means = means[means["map"] == "input"]
    figure = plt.figure(figsize=(DOUBLE, 6.1))
    grid = figure.add_gridspec(3, 6, height_ratios=(1.15, 1, 0.85))
    drawing = Drawing(figure)
    entropy, concentration = figure.add_subplot(grid[0, :3]), figure.add_subplot(grid[0, 3:])
    drawing.arms(entropy, "entropy", means, "entropy")
    entropy.set(title="Fourier entropy of the input weights", ylabel="entropy (nats)")
    drawing.arms(concentration, "ipr", means, "ipr_frequency")
    K = int(spectra["frequency"].max())
    drawing.level(concentration, "ipr", "white noise 2/(K+1)", 2 / (K + 1))
    concentration.set(title="Inverse participation ratio over frequencies", ylabel="IPR", ylim=(0, 1.02))
    for ax in (entropy, concentration):
        step_axis(ax, means["step"])
    heat, shown = _spectra(drawing, figure, grid, spectra)
    arm, seed, neurons = _clearest_neurons(tables[NEURONS])
    small = [figure.add_subplot(grid[2, 2 * i : 2 * i + 2]) for i in range(len(neurons))]
    for place, (ax, neuron) in enumerate(zip(small, neurons.itertuples(), strict=True)):
        weights = tables[INPUT_WEIGHTS]
        neuron_weights = weights[
            (weights["arm"] == arm) & (weights["seed"] == seed) & (weights["neuron"] == neuron.neuron)
        ]
        _neuron(drawing, ax, place, neuron_weights, f"neuron {neuron.neuron}, frequency {neuron.frequency}")
    letter([entropy, concentration, *heat, *small])
    arm_legend(figure, means)
    label = arm_label(arm)
    drawing.caption = (
        f"(a, b) Mean over neurons of the Shannon entropy of the amplitude shares, and of the IPR over "
        f"frequencies, of the input map. {seeds_and_centre(means)} Dotted: white noise. "
        f"{shown} Lower row: input weights of the {len(neurons)} neurons of largest amplitude with different "
        f"frequencies, {label}, seed {seed}: grey at the first checkpoint, blue at the last, in the order in "
        f"which the neuron's cosine (line) turns once."
    )
    return drawing


def _spectra(
    drawing: Drawing, figure: plt.Figure, grid: plt.GridSpec, spectra: pd.DataFrame
) -> tuple[list[Axes], str]:
    """Draw the first matrix' spectrum over steps, of two arms at most."""
    first = spectra["weight"].iloc[0]
    symbol = layer_label(first)
    table = spectra[spectra["weight"] == first]
    arms = compared_arms(table)
    axes = []
    top = table[table["arm"].isin(arms)]["share"].max()
    mesh: Any = None
    seeds = {}
    for place, arm in enumerate(arms):
        span = grid[1, :] if len(arms) == 1 else grid[1, 3 * place : 3 * place + 3]
        ax = figure.add_subplot(span)
        arm_rows = table[table["arm"] == arm]
        seeds[arm] = seed = arm_rows["seed"].min()
        share = arm_rows[arm_rows["seed"] == seed].pivot(index="frequency", columns="step", values="share")
        at_step, at_k = share.columns.to_numpy(), share.index.to_numpy()
        mesh = drawing.heat(ax, "spectrum", arm, seed, at_step, at_k, share.to_numpy(), vmin=0, vmax=top)
        step_axis(ax, at_step)
        ax.set(title=f"spectrum of {symbol}: {arm_label(arm)}, seed {seed}", ylabel="frequency")
        ax.set_xlim(0, max(at_step.max(), 1))  # a single checkpoint may be step 0
        axes.append(ax)
    figure.colorbar(mesh, ax=axes, label="share of variance", pad=0.01, aspect=14)
    letters = ", ".join("cd"[: len(axes)])
    return axes, f"({letters}) Share of the variance of {symbol} at each frequency."


def _clearest_neurons(neurons: pd.DataFrame) -> tuple[str, int, pd.DataFrame]:
    """Return an arm, a seed, and its strongest last neurons, one per frequency."""
    arm = main_arm(neurons)
    periodic = neurons[(neurons["arm"] == arm) & (neurons["map"] == "input") & (neurons["frequency"] > 0)]
    seed = int(periodic["seed"].min())
    last = periodic[periodic["seed"] == seed]
    last = last[last["step"] == last["step"].max()]
    last = last.sort_values(["amplitude", "neuron"], ascending=[False, True])
    return arm, seed, last.drop_duplicates("frequency").head(N_NEURONS)


def _neuron(drawing: Drawing, ax: Axes, place: int, weights: pd.DataFrame, title: str) -> None:
    """Draw one neuron's first and last input weights in the order of its cosine."""
    first, last = (
        weights[weights["step"] == step].sort_values("turned")
        for step in (weights["step"].min(), weights["step"].max())
    )
    panel = f"neuron {place + 1}"
    points = {"linestyle": "none", "marker": "o", "markersize": 2, "markeredgewidth": 0}
    drawing.line(ax, panel, "first checkpoint", first["turned"], first["weight"], color="0.6", **points)
    drawing.line(ax, panel, "last checkpoint", last["turned"], last["weight"], color="#3f90da", **points)
    drawing.line(ax, panel, "cosine", last["turned"], last["fit"], color="#26292f", linewidth=0.8)
    p = len(last)
    ax.set(title=title, xlabel=f"frequency × residue mod {p}", xlim=(-1, p))
    ax.set_xticks(np.arange(0, p, 20))
    if place == 0:
        ax.set_ylabel("input weight")
