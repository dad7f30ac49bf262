"""Figure `cosines`: learned weights of single neurons with their cosines, and of all neurons."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analyses.snapshots.schema import MAPS, NEURONS
from analyses.tables.roles import compared_arms
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.snapshots.weight_panels import (
    IN_ORDER,
    Tables,
    draw_weights_and_cosine,
    fit_words,
    last_cosines,
    network_words,
    neuron_rows,
    points_and_cosine_legend,
    signed_bar,
    signed_heat,
)

RANKS = {"best fit": 1.0, "upper quartile": 0.75, "median fit": 0.5, "worst fit": 0.0}
"""Shown neurons, by the rank of their fit among all."""
SIDES = ("input", "output")


def draw(tables: Tables) -> Drawing:
    """Draw single neurons' weights with cosines on the left, all neurons on the right."""
    arm = compared_arms(tables[NEURONS])[0]
    cosines = {side: last_cosines(tables, arm, side) for side in SIDES}
    chosen = _neurons_by_fit(cosines["input"], cosines["output"])
    figure = plt.figure(figsize=(DOUBLE, 5.3))
    drawing = Drawing(figure)
    grid = figure.add_gridspec(len(RANKS), 4, width_ratios=(1, 1, 0.8, 0.8))
    small, large = [], []
    step, seed = (int(cosines["input"][name].iloc[0]) for name in ("step", "seed"))
    for place, (side, of_side) in enumerate(cosines.items()):
        for line, (rank, neuron) in enumerate(chosen.items()):
            ax = figure.add_subplot(grid[line, place])
            cosine: Any = of_side.loc[neuron]
            (weights,) = neuron_rows(tables, MAPS, arm, side, step, [neuron])
            draw_weights_and_cosine(drawing, ax, f"{side}, {rank}", f"neuron {neuron}", weights, cosine)
            head = "" if line else f"{side} weights\n"
            phase = f"{cosine['phase']:.2f}".replace("-", "−")
            ax.set_title(
                f"{head}k = {cosine['frequency']}, {fit_words(cosine)}\n"
                f"ampl. {cosine['amplitude']:.2g}, phase {phase}",
                fontsize=7,
            )
            ax.tick_params(labelbottom=line == len(chosen) - 1)
            if line == len(chosen) - 1:
                ax.set_xlabel("k × residue mod p\n(whole column)")
            if place == 0:
                ax.set_ylabel(f"{rank}:\nneuron {neuron}")
            small.append(ax)
        ax = figure.add_subplot(grid[:, 2 + place])
        matrix = neuron_rows(tables, MAPS, arm, side, step, of_side.index)
        scale = np.abs(matrix).max()
        y = range(1, len(matrix) + 1)
        mesh = signed_heat(drawing, ax, f"{side}, all", arm, seed, y, matrix, scale)
        ax.set(title=f"all {side} weights\nscale {scale:.2g}", xlabel="residue")
        ax.invert_yaxis()
        ax.tick_params(labelleft=place == 0)
        large.append(ax)
    large[0].set_ylabel(IN_ORDER)
    signed_bar(figure, mesh, large)
    points_and_cosine_legend(figure)
    letter([*small, *large])
    drawing.caption = (
        f"Small panels: input (left) and output weights of {len(chosen)} neurons, those whose input "
        "weights a cosine fits best, at the upper quartile, at the median and worst. Points: one per "
        "residue, in the order in which the cosine turns once; line: the cosine, of frequency k, around "
        "the weights' mean, with the share of their variance that it explains. Every small panel has its "
        f"own scale. Large panels: the weights of all {len(matrix)} neurons by frequency, then by phase, "
        "of their input weights, smallest on top, the dead last; scale: their largest magnitude. Step "
        f"{step:,}. {network_words(tables[NEURONS], [arm])}"
    )
    return drawing


def _neurons_by_fit(inputs: pd.DataFrame, outputs: pd.DataFrame) -> dict[str, int]:
    """Return a live neuron for every shown rank of the input weights' fit."""
    is_live = (inputs["frequency"] > 0) & (outputs["frequency"] > 0)
    by_fit = inputs[is_live].sort_values("share", kind="stable").index
    return {name: by_fit[round(rank * (len(by_fit) - 1))] for name, rank in RANKS.items() if len(by_fit)}
