"""The three stages of grokking: curves, what the weights become, and which pairs are known when."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles, step_axis

TABLES = ("", "_classes", "_ends")
SHADES = ("#fde9d0", "#dcebf7", "#ececec")
"""Of stages 1, 2 and 3."""
PARTS = {"train": ("train", "#26292f", "-"), "test": ("test", "#bd1f01", (0, (4, 1.5)))}
MAPS = {
    "ipr_input": ("IPR, input weights", "#3f90da", "-"),
    "ipr_output": ("IPR, output weights", "#832db6", (0, (4, 1.5))),
    "mean_abs_sin": ("mean |sin D|", "#e76300", (0, (1, 1))),
}
NORM = {"l2": ("L2 of the weights", "#26292f", "-")}
CLASSES = {
    "common": ("trained on in both orders", "#26292f", "-"),
    "rare": ("trained on in one order", "#3f90da", (0, (4, 1.5))),
    "test_sym": ("its other order trained on", "#ffa90e", (0, (1, 1))),
    "test_true": ("neither", "#bd1f01", (0, (4, 1, 1, 1))),
}
"""Label, colour and line style of every curve, by the column it is drawn from."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Of the run's first arm: loss, accuracy, norm; IPR and alignment, and the classes of pairs."""
    arm = tables[""]["arm"].iloc[0]
    table, known, ends = (tables[name][tables[name]["arm"] == arm] for name in TABLES)
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.4))
    drawing = Drawing(figure)
    (losses, accuracies, norm), (weights, accuracy, probability) = axes
    for ax, measure, title in ((losses, "loss", "loss (nats)"), (accuracies, "acc", "accuracy")):
        _curves(drawing, ax, title, table, {f"{part}_{measure}": look for part, look in PARTS.items()})
    drawing.level(accuracies, "accuracy", "plateau", float(ends["plateau"].median()))
    _curves(drawing, norm, "L2 of the weights", table, NORM)
    _curves(drawing, weights, "concentration, alignment", table, MAPS)
    for ax, measure, title in (
        (accuracy, "accuracy", "accuracy by class of pairs"),
        (probability, "probability", "probability of the label"),
    ):
        wide = known.pivot(index=["seed", "step"], columns="class", values=measure).reset_index()
        _curves(drawing, ax, title, wide, CLASSES)
    for ax in axes.ravel():
        _shade(drawing, ax, ends, int(table["step"].max()), named=ax is losses)
        step_axis(ax, table["step"], narrow=True)
    losses.set_yscale("log")
    losses.set_ylim(top=losses.get_ylim()[1] * 10)  # room for the stages' names
    for ax in (accuracies, weights, accuracy, probability):
        ax.set_ylim(-0.02, 1.05)
    norm.set_ylim(0, None)
    losses.legend(loc="lower left")
    weights.legend(loc="upper left")
    letter(list(axes.ravel()))
    handles, labels = accuracy.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, title="pairs in (e) and (f)")
    n = ends["seed"].nunique()
    label = arm_styles([arm])[arm]["label"]
    drawing.caption = (
        f"Checkpoints of {label}, n = {n}; thin: single seeds, bold: their mean where all have the "
        f"step. Shaded: stage 1 until train accuracy reaches {ends['threshold'].iloc[0]:g}, stage 2 "
        f"until test accuracy does, stage 3 from there (medians of the seeds' ends). (b) Dotted: share "
        f"of the test pairs whose other order is trained on. (d) Inverse participation ratio over "
        f"frequencies and misalignment of phases, means over neurons. (e, f) Pairs by the order in "
        f"which they are trained on; means over pairs. The network cannot tell (a, b) from (b, a), so those "
        f"trained on in one order and those whose other order is fare alike."
    )
    return drawing


def _curves(
    drawing: Drawing, ax: Axes, panel: str, table: pd.DataFrame, looks: dict[str, tuple[str, str, Any]]
) -> None:
    """A curve per column, every seed thin and their mean bold."""
    n = table["seed"].nunique()
    for column, (label, color, dash) in looks.items():
        for seed, own in table.groupby("seed") if n > 1 else ():
            look = {"color": color, "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, panel, label, own["step"], own[column], seed=seed, **look)
        shared = table.groupby("step")[column].agg(["mean", "size"])
        mean = shared.loc[shared["size"] == n, "mean"]
        drawing.line(
            ax, panel, label, mean.index, mean, seed="mean", color=color, linestyle=dash, label=label
        )
    ax.set_title(panel)


def _shade(drawing: Drawing, ax: Axes, ends: pd.DataFrame, last: int, named: bool) -> None:
    """Stages that have come; one that ends in less than half of the seeds goes on to the end."""
    edges = [
        0.0,
        *(float(ends[name].fillna(np.inf).median()) for name in ("stage_1_end", "stage_2_end")),
        np.inf,
    ]
    for place, (start, end) in enumerate(pairwise(edges)):
        if start < last:
            ax.axvspan(start, min(end, last * 1.15), color=SHADES[place], linewidth=0, zorder=0)
            if named:
                at = (start, 0.98)
                ax.text(*at, f" {place + 1}", transform=ax.get_xaxis_transform(), va="top", weight="bold")
            drawing.note(f"{ax.get_title()} stages", f"stage {place + 1}", low=start, high=min(end, last))
