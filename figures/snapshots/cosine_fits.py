"""Learned weights and their cosines: input and output rows of single neurons, and of all in order."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.snapshots.weight_panels import (
    at_end,
    cosine_panel,
    explained,
    rows,
    shown_arms,
    signed_bar,
    signed_heat,
    whose,
)

TABLES = ("_neurons", "_maps")
RANKS = {"best": 1.0, "upper quartile": 0.75, "median": 0.5, "worst": 0.0}
"""The neurons shown, by where their fit is among all."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Left, a row per neuron: input and output weights with their cosines. Right, all neurons' weights."""
    neurons, maps = tables["_neurons"], tables["_maps"]
    arm = shown_arms(neurons)[0]
    inputs, outputs = at_end(neurons, arm, "input"), at_end(neurons, arm, "output")
    live = inputs[(inputs["frequency"] > 0) & (outputs["frequency"] > 0)].sort_values("share", kind="stable")
    chosen = (
        {name: live.index[round(rank * (len(live) - 1))] for name, rank in RANKS.items()} if len(live) else {}
    )
    figure = plt.figure(figsize=(DOUBLE, 4.9))
    drawing = Drawing(figure)
    grid = figure.add_gridspec(len(RANKS), 4, width_ratios=(1, 1, 0.8, 0.8))
    small, large = [], []
    sides = {"input": inputs, "output": outputs}
    for place, ((side, cosines), greek) in enumerate(zip(sides.items(), ("αφ", "βψ"), strict=True)):
        step, seed = int(cosines["step"].iloc[0]), int(cosines["seed"].iloc[0])
        for line, (name, neuron) in enumerate(chosen.items()):
            ax, cosine = figure.add_subplot(grid[line, place]), cosines.loc[neuron]
            (weights,) = rows(maps, arm, side, step, [neuron])
            cosine_panel(drawing, ax, f"{side}, {name}", f"neuron {neuron}", weights, cosine)
            phase = f"{cosine['phase']:.2f}".replace("-", "−")
            ax.set_title(
                f"k = {cosine['frequency']}, {explained(cosine)}\n"
                f"{greek[0]} = {cosine['amplitude']:.2g}, {greek[1]} = {phase}"
            )
            ax.tick_params(labelbottom=line == len(chosen) - 1)
            if line == len(chosen) - 1:
                ax.set_xlabel(f"{side}: k × residue mod p")
            if place == 0:
                ax.set_ylabel(f"{name}:\nneuron {neuron}")
            small.append(ax)
        ax = figure.add_subplot(grid[:, 2 + place])
        matrix = rows(maps, arm, side, step, cosines.index)
        top = np.abs(matrix).max()
        mesh = signed_heat(drawing, ax, f"{side}, all", arm, seed, range(1, len(matrix) + 1), matrix, top)
        ax.set(title=f"all {side} weights\nmax {top:.2g}", xlabel="residue")
        ax.invert_yaxis()
        ax.tick_params(labelleft=place == 0)
        large.append(ax)
    large[0].set_ylabel("neuron, in order")
    signed_bar(figure, mesh, large)
    letter([*small, *large])
    drawing.caption = (
        f"Small panels: input (left) and output weights of {len(chosen)} neurons, those whose input "
        "weights a cosine fits best, at the upper quartile, at the median and worst. Points: one per "
        "residue, in the order in which the cosine turns once; line: the cosine, of amplitude α or β and "
        "phase φ or ψ, around the weights' mean, with the share of their variance it explains. Large "
        f"panels: the weights of all {len(inputs)} neurons by frequency, then by phase, of their input "
        "weights, smallest on top, the dead last; colours up to the largest magnitude, max. Step "
        f"{step:,}. {whose(neurons, [arm])}"
    )
    return drawing
