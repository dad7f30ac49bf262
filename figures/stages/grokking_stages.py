"""Figures `grokking_stages` and `stages`: curves, weights, classes of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analyses.stages.schema import CLASSES, CURVES, ENDS
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, step_axis

SHADES = ("#fde9d0", "#dcebf7", "#ececec")
"""Colours of stages 1, 2 and 3."""
STAGES = ("stage 1: memorising", "stage 2: generalising", "stage 3: weights shrink")
Looks = Mapping[str, tuple[str, str, Any]]
"""Label, colour and line style of curves, by the column that they are drawn from."""
TRAIN, TEST = ("(a, b): train", "#26292f", "-"), ("(a, b): test", "#bd1f01", (0, (4, 1.5)))
LOSSES: Looks = {"train_loss": TRAIN, "test_loss": TEST}
ACCURACIES: Looks = {"train_acc": TRAIN, "test_acc": TEST}
NORM: Looks = {"l2": ("L2 of the weights", "#26292f", "-")}
MAPS: Looks = {
    "ipr_input": ("IPR, input weights", "#3f90da", "-"),
    "ipr_output": ("IPR, output weights", "#832db6", (0, (4, 1.5))),
    "mean_abs_sin": ("mean |sin(2φ − ψ)|", "#e76300", (0, (1, 1))),
}
PAIR_LOOKS: Looks = {
    "common": ("in both orders", "#26292f", "-"),
    "rare": ("in this order only", "#3f90da", (0, (4, 1.5))),
    "test_sym": ("in the other order only", "#ffa90e", (0, (1, 1))),
    "test_true": ("in neither order", "#bd1f01", (0, (4, 1, 1, 1))),
}
"""Looks of the classes of pairs."""
PLATEAU: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw the first arm's curves, its stages shaded."""
    arm = tables[CURVES]["arm"].iloc[0]
    curves, classes, ends = (tables[table][tables[table]["arm"] == arm] for table in (CURVES, CLASSES, ENDS))
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.6))
    drawing = Drawing(figure)
    (losses, accuracies, norm), (weights, accuracy, probability) = axes
    _curves(drawing, losses, "loss (nats)", curves, LOSSES, centre="median")
    losses.set_yscale("log")
    _curves(drawing, accuracies, "accuracy", curves, ACCURACIES)
    drawing.level(accuracies, "accuracy", "plateau", float(ends["plateau"].median()), **PLATEAU)
    _curves(drawing, norm, "L2 norm of the weights", curves, NORM)
    norm.set_ylim(0, None)
    _curves(drawing, weights, "concentration, alignment", curves, MAPS)
    by_class = classes.pivot(index=["seed", "step"], columns="class", values=["accuracy", "probability"])
    _curves(drawing, accuracy, "accuracy by class of pairs", by_class["accuracy"].reset_index(), PAIR_LOOKS)
    _curves(
        drawing, probability, "probability of the label", by_class["probability"].reset_index(), PAIR_LOOKS
    )
    for ax in axes.ravel():
        _shade(drawing, ax, ends, int(curves["step"].max()))
        step_axis(ax, curves["step"], narrow=True)
    for ax in (accuracies, weights, accuracy, probability):
        ax.set_ylim(-0.02, 1.05)
    weights.legend(handles=_curve_handles(MAPS), loc="best")
    letter(list(axes.ravel()))
    shades = [Patch(color=shade, label=label) for shade, label in zip(SHADES, STAGES, strict=True)]
    lines = [*_curve_handles(LOSSES), Line2D([], [], label="(b): test accuracy if only memorised", **PLATEAU)]
    handles = [handle for column in zip(shades, lines, strict=True) for handle in column]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    figure.legend(
        handles=_curve_handles(PAIR_LOOKS),
        loc="outside lower center",
        ncols=4,
        title="(e, f): pairs trained on",
    )
    drawing.caption = (
        f"Checkpoints of {arm_label(arm)}, n = {ends['seed'].nunique()}; thin: single seeds, "
        "bold: their mean, in (a) their median, where all have the step. Shaded: stage 1 until train "
        f"accuracy reaches {ends['threshold'].iloc[0]:g}, stage 2 until test accuracy does, stage 3 from "
        "there (medians of the seeds' ends). (b) Dotted: share of the test pairs whose other order is "
        "trained on, the test accuracy of a network that only memorised. (d) Inverse participation ratio "
        "over frequencies and misalignment of phases, means over neurons. (e, f) Pairs by the order in "
        "which they are trained on; means over pairs. The network cannot tell (a, b) from (b, a), so pairs "
        "trained on in one order only and their other orders fare alike."
    )
    return drawing


def _curves(
    drawing: Drawing, ax: Axes, title: str, table: pd.DataFrame, looks: Looks, centre: str = "mean"
) -> None:
    """Draw a curve per column, seeds thin, centre bold."""
    n = table["seed"].nunique()
    for column, (label, color, dash) in looks.items():
        if column not in table:  # no pair is in this class
            continue
        for seed, network in table.groupby("seed") if n > 1 else ():
            look = {"color": color, "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, title, label, network["step"], network[column], seed=seed, **look)
        by_step = table.groupby("step")[column].agg([centre, "count"])
        middle = by_step.loc[by_step["count"] == n, centre]
        drawing.line(ax, title, label, middle.index, middle, seed=centre, color=color, linestyle=dash)
    ax.set_title(title)


def _curve_handles(looks: Looks) -> list[Line2D]:
    return [Line2D([], [], color=color, linestyle=dash, label=label) for label, color, dash in looks.values()]


def _shade(drawing: Drawing, ax: Axes, ends: pd.DataFrame, last: int) -> None:
    """Shade the stages that are reached.

    A stage that ends in less than half of the seeds goes on to the last step.
    """
    medians = (float(ends[column].fillna(np.inf).median()) for column in ("stage_1_end", "stage_2_end"))
    for place, (start, end) in enumerate(pairwise([0.0, *medians, np.inf])):
        if start < last:
            ax.axvspan(start, min(end, last * 1.15), color=SHADES[place], linewidth=0, zorder=0)
            drawing.note(
                f"{ax.get_title(loc='left')} stages", f"stage {place + 1}", low=start, high=min(end, last)
            )
