"""Figures `maps` and `weights_mlp`: weights of all neurons over the residues."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from analyses.snapshots.schema import MAPS, MOMENTS
from analyses.tables.labels import arm_label
from analyses.tables.roles import compared_arms
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.snapshots.weight_panels import (
    IN_ORDER,
    Tables,
    landmark_rows,
    last_cosines,
    network_words,
    neuron_rows,
    signed_bar,
    signed_heat,
)


def draw(tables: Tables) -> Drawing:
    """Draw a row per map, a column per arm and landmark, start and end."""
    arms = compared_arms(tables[MOMENTS])
    columns = [row for arm in arms for row in landmark_rows(tables, arm, ("start", "end"))]
    size = (DOUBLE, 4.4)
    figure, axes = plt.subplots(2, len(columns), figsize=size, sharex=True, sharey=True, squeeze=False)
    drawing = Drawing(figure)
    for side, line in zip(("input", "output"), axes, strict=True):
        matrices = []
        for row in columns:
            order = last_cosines(tables, row["arm"])
            followed = order.index[order["followed"]]
            matrices.append(neuron_rows(tables, MAPS, row["arm"], side, row["step"], followed))
        for ax, row, matrix in zip(line, columns, matrices, strict=True):
            arm, moment = row["arm"], row["moment"]
            scale = max(
                np.abs(other).max()
                for other, column in zip(matrices, columns, strict=True)
                if column["moment"] == moment
            )
            y = range(1, len(matrix) + 1)
            mesh = signed_heat(drawing, ax, f"{side} {moment}", arm, row["seed"], y, matrix, scale)
            ax.set_title(f"{arm_label(arm)}, {moment}\nstep {row['step']:,}, scale {scale:.2g}")
        line[0].set_ylabel(f"{side} weights\n{IN_ORDER}")
    for ax in axes[-1]:
        ax.set_xlabel("residue (both rows)")
    axes[0, 0].invert_yaxis()
    signed_bar(figure, mesh, list(axes.ravel()))
    letter(list(axes.ravel()))
    drawing.caption = (
        "Upper row: what each neuron receives from every residue; lower row: what it writes to every "
        "class. Neurons by frequency, then by phase, of their own last input weights, smallest on top, "
        "the dead last; the same order at the start. Scale: the largest magnitude of the row's panels of "
        f"one landmark. {network_words(tables[MOMENTS], arms)}"
    )
    return drawing
