"""Votes of subsets of the neurons: some frequencies, or some neurons (phases) of every frequency."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, line_style

TABLES = ("_subsets", "_ideal_subsets")
IDEAL: dict[str, Any] = {
    "color": "0.45",
    "linestyle": "none",
    "marker": "x",
    "markersize": 3,
    "label": "128 ideal neurons",
}
AXES = {"frequencies": "frequencies", "neurons": "neurons of every frequency"}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Accuracy above, loss below; frequencies on the left, neurons of every frequency on the right."""
    votes, ideal = tables["_subsets"], tables["_ideal_subsets"]
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 4.2), sharex="col", sharey="row")
    drawing = Drawing(figure)
    for row, (measure, title) in zip(axes, (("accuracy", "accuracy"), ("loss", "loss (nats)")), strict=True):
        for ax, (of, label) in zip(row, AXES.items(), strict=True):
            panel = f"{measure} by {of}"
            own = votes[votes["of"] == of].drop(columns="step").rename(columns={"n": "step"})
            drawing.arms(ax, panel, own, measure)
            exact = ideal[ideal["of"] == of]
            drawing.line(ax, panel, "ideal", exact["n"], exact[measure], **IDEAL)
            ax.set_title(f"{measure}, some {label}")
        row[0].set_ylabel(title)
    for ax, label in zip(axes[1], AXES.values(), strict=True):
        ax.set(xlabel=label, yscale="log")
    axes[0, 1].set_xscale("log")
    letter(list(axes.ravel()))
    styles = arm_styles(list(dict.fromkeys(votes["arm"])))
    handles = [Line2D([], [], **line_style(style)) for style in styles.values()] + [Line2D([], [], **IDEAL)]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    drawing.caption = (
        f"Accuracy and cross-entropy over all pairs at the last checkpoint when only some neurons vote, "
        f"means over random choices. Left: all neurons of so many frequencies; right: so many neurons "
        f"of every frequency, that is, of its phases. Crosses: ideal neurons of amplitude 1, squared, "
        f"spread evenly over frequencies and phases. {seeds_and_centre(votes)}"
    )
    return drawing
