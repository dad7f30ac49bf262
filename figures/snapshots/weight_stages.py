"""Weights through the stages of grokking: the neurons' spectra and weights at the stages' ends."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis
from figures.snapshots.weight_panels import (
    at_end,
    moments_of,
    rows,
    shown_arms,
    signed_bar,
    signed_heat,
    whose,
)

TABLES = ("", "_accuracy", "_neurons", "_maps", "_spectra")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Accuracies above; below, a column per moment: input spectrum, input weights, output weights."""
    arm = shown_arms(tables[""])[0]
    moments = moments_of(tables[""], arm)
    order = at_end(tables["_neurons"], arm)
    chosen = order.index[order["followed"]]
    y = range(1, len(chosen) + 1)
    figure = plt.figure(figsize=(DOUBLE, 6.6))
    drawing = Drawing(figure)
    grid = figure.add_gridspec(4, len(moments), height_ratios=(0.55, 1, 1, 1))
    curves = figure.add_subplot(grid[0, :])
    _accuracy(drawing, curves, tables["_accuracy"][tables["_accuracy"]["arm"] == arm], moments)
    panels = np.array([[figure.add_subplot(grid[1 + i, j]) for j in range(len(moments))] for i in range(3)])
    for place, (row, column) in enumerate(zip(moments, panels.T, strict=True)):
        moment, step, seed = (row[name] for name in ("moment", "step", "seed"))
        amplitude = rows(tables["_spectra"], arm, "input", step, chosen)
        k, top = range(1, amplitude.shape[1] + 1), amplitude.max()
        panel = f"spectrum {moment}"
        heat = drawing.heat(column[0], panel, arm, seed, k, y, amplitude, vmin=0, vmax=top)
        column[0].set(title=f"{moment}\nstep {step:,}\nmax {top:.2g}", xlabel="frequency")
        for ax, side in zip(column[1:], ("input", "output"), strict=True):
            matrix = rows(tables["_maps"], arm, side, step, chosen)
            top = np.abs(matrix).max()
            mesh = signed_heat(drawing, ax, f"{side} {moment}", arm, seed, y, matrix, top)
            ax.set(title=f"max {top:.2g}", xlabel="residue")
        for ax in column:
            ax.invert_yaxis()
            ax.tick_params(labelleft=place == 0)
    for ax, name in zip(panels[:, 0], ("input amplitude", "input weights", "output weights"), strict=True):
        ax.set_ylabel(f"{name}\nneuron, in order")
    bar = figure.colorbar(heat, ax=list(panels[0]), label="amplitude", pad=0.01, aspect=12)
    bar.set_ticks([0, heat.get_clim()[1]], labels=["0", "max"])
    signed_bar(figure, mesh, list(panels[1:].ravel()))
    letter([curves, *panels.ravel()])
    drawing.caption = (
        "Above: accuracies; lines: the checkpoints of the columns below, the first, the first at or after "
        "train and test accuracy .95 (memorised, generalised) and their geometric mean (between), the "
        "last. Rows: amplitude of every frequency in the input weights, input weights, output weights of "
        f"{len(chosen)} of {len(order)} neurons, evenly chosen in the order of frequency and phase of the "
        "last input weights, which is the order of all columns. Colours up to the largest magnitude of "
        f"the panel, max. {whose(tables[''], [arm])}"
    )
    return drawing


def _accuracy(drawing: Drawing, ax: Axes, curve: pd.DataFrame, moments: list[dict[str, Any]]) -> None:
    """Both accuracies over steps, and where the moments lie."""
    for name, label, look in (("train_acc", "train", "--"), ("test_acc", "test", "-")):
        known = curve.dropna(subset=[name])
        if known.empty:
            continue
        style = {"linestyle": look, "color": "#26292f", "label": label}
        drawing.line(ax, "accuracy", label, known["step"], known[name], **style)
    steps = [row["step"] for row in moments]
    for step in steps:
        ax.axvline(step, color="#bd1f01", linewidth=0.8)
    drawing.note("accuracy", "moments", x=steps)
    step_axis(ax, [*curve["step"], *steps])
    ax.set(ylabel="accuracy", ylim=(-0.03, 1.05), title="accuracy, and the moments below")
    if ax.lines[: -len(steps)]:
        ax.legend(loc="center left")
