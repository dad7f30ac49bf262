"""Figure `weight_stages`: neurons' spectra and weights at the ends of grokking's stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.snapshots.schema import ACCURACY, MAPS, MOMENTS, SPECTRA
from analyses.tables.roles import compared_arms
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis
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
    """Draw accuracies, and below a column per landmark: spectra, input and output weights."""
    arm = compared_arms(tables[MOMENTS])[0]
    landmarks = landmark_rows(tables, arm)
    order = last_cosines(tables, arm)
    followed = order.index[order["followed"]]
    figure = plt.figure(figsize=(DOUBLE, 6.6))
    drawing = Drawing(figure)
    grid = figure.add_gridspec(4, len(landmarks), height_ratios=(0.55, 1, 1, 1))
    curves = figure.add_subplot(grid[0, :])
    accuracy = tables[ACCURACY]
    _accuracy(drawing, curves, accuracy[accuracy["arm"] == arm], [row["step"] for row in landmarks])
    panels = np.array([[figure.add_subplot(grid[1 + i, j]) for j in range(len(landmarks))] for i in range(3)])
    for row, column in zip(landmarks, panels.T, strict=True):
        heat, mesh = _column(drawing, tables, column, row, list(followed))
        for ax in column:
            ax.invert_yaxis()
            ax.tick_params(labelleft=ax in panels[:, 0])
    for ax, name in zip(panels[:, 0], ("input amplitude", "input weights", "output weights"), strict=True):
        ax.set_ylabel(f"{name}\n{IN_ORDER}")
    bar = figure.colorbar(heat, ax=list(panels[0]), label="amplitude", pad=0.01, aspect=12)
    bar.set_ticks([0, heat.get_clim()[1]], labels=["0", "scale"])
    signed_bar(figure, mesh, list(panels[1:].ravel()))
    letter([curves, *panels.ravel()])
    drawing.caption = (
        "Above: accuracies; vertical lines: the checkpoints of the columns below, the first, the first at or "
        "after train and test accuracy .95 (memorised, generalised) and their geometric mean (between), the "
        "last. Rows: amplitude of every frequency in the input weights, input weights, output weights of "
        f"{len(followed)} of {len(order)} neurons, evenly chosen in the order of frequency and phase of the "
        "last input weights, which is the order of all columns. Scale: the panel's largest magnitude. "
        f"{network_words(tables[MOMENTS], [arm])}"
    )
    return drawing


def _column(
    drawing: Drawing, tables: Tables, column: Sequence[Axes], row: dict[str, Any], neurons: list[int]
) -> tuple[Any, Any]:
    """Draw the three panels of one landmark, and return their colours for the bars."""
    arm, moment, step, seed = (row[name] for name in ("arm", "moment", "step", "seed"))
    y = range(1, len(neurons) + 1)
    amplitude = neuron_rows(tables, SPECTRA, arm, "input", step, neurons)
    k, scale = range(1, amplitude.shape[1] + 1), amplitude.max()
    heat = drawing.heat(column[0], f"spectrum {moment}", arm, seed, k, y, amplitude, vmin=0, vmax=scale)
    column[0].set(title=f"{moment}\nstep {step:,}\nscale {scale:.2g}", xlabel="frequency")
    for ax, side in zip(column[1:], ("input", "output"), strict=True):
        matrix = neuron_rows(tables, MAPS, arm, side, step, neurons)
        scale = np.abs(matrix).max()
        mesh = signed_heat(drawing, ax, f"{side} {moment}", arm, seed, y, matrix, scale)
        ax.set(title=f"scale {scale:.2g}", xlabel="residue")
    return heat, mesh


def _accuracy(drawing: Drawing, ax: Axes, curve: pd.DataFrame, steps: Sequence[int]) -> None:
    """Draw both accuracies over steps, and the landmarks' steps."""
    for name, label, look in (("train_acc", "train", "--"), ("test_acc", "test", "-")):
        measured = curve.dropna(subset=[name])
        if measured.empty:
            continue
        style = {"linestyle": look, "color": "#26292f", "label": label}
        drawing.line(ax, "accuracy", label, measured["step"], measured[name], **style)
    for place, step in enumerate(steps):
        ax.axvline(step, color="#bd1f01", linewidth=0.8, label=None if place else "columns below")
    drawing.note("accuracy", "moments", x=steps)
    step_axis(ax, [*curve["step"], *steps])
    ax.set(ylabel="accuracy", ylim=(-0.03, 1.05), title="accuracy, and the checkpoints below")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3)
