"""All neurons at once: their input and output weights over the residues, at the start and at the end."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles
from figures.snapshots.weight_panels import (
    at_end,
    moments_of,
    rows,
    shown_arms,
    signed_bar,
    signed_heat,
    whose,
)

TABLES = ("", "_neurons", "_maps")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A row per map, a column per arm and moment; neurons by their last frequency and phase."""
    moments, neurons, maps = tables[""], tables["_neurons"], tables["_maps"]
    arms = shown_arms(moments)
    shown = [row for arm in arms for row in moments_of(moments, arm, ("start", "end"))]
    figure, axes = plt.subplots(2, len(shown), figsize=(DOUBLE, 4.2), sharex=True, sharey=True, squeeze=False)
    drawing = Drawing(figure)
    for side, line in zip(("input", "output"), axes, strict=True):
        for ax, row in zip(line, shown, strict=True):
            arm = row["arm"]
            order = at_end(neurons, arm)
            matrix = rows(maps, arm, side, row["step"], order.index[order["followed"]])
            n_neurons = len(matrix)
            top = np.abs(matrix).max()
            panel = f"{side} {row['moment']}"
            mesh = signed_heat(drawing, ax, panel, arm, row["seed"], range(1, n_neurons + 1), matrix, top)
            ax.set_title(
                f"{arm_styles([arm])[arm]['label']}, {row['moment']}\nstep {row['step']:,}, max {top:.2g}"
            )
        line[0].set_ylabel(f"{side} weights of neuron")
    for ax in axes[-1]:
        ax.set_xlabel("residue")
    axes[0, 0].invert_yaxis()
    signed_bar(figure, mesh, list(axes.ravel()))
    letter(list(axes.ravel()))
    drawing.caption = (
        "Upper row: what each neuron receives from every residue; lower row: what it writes to every "
        "class. Neurons by frequency, then by phase, of their own last input weights, smallest on top, "
        "the dead last; the same order at the start. Colours up to the panel's largest magnitude, max. "
        f"{whose(moments, arms)}"
    )
    return drawing
