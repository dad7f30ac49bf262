"""The flawed indicator in a network's logits, and the vote of its neurons."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, step_axis

TABLES = ("", "_votes")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """R² of the fit and its ratio over steps; accuracy against the number of neurons that vote."""
    fits, votes = tables[""], tables["_votes"]
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 2.5))
    drawing = Drawing(figure)
    drawing.arms(axes[0], "r2", fits, "r2")
    axes[0].set(title="fit of the indicator", ylabel="R²", ylim=(0, None))
    drawing.arms(axes[1], "ratio", fits, "ratio")
    drawing.level(axes[1], "ratio", "ideal neurons", 0.5)
    axes[1].set(title="ghost / main", ylim=(-0.25, 1.25))
    for ax in axes[:2]:
        step_axis(ax, fits["step"])
    drawing.arms(
        axes[2], "votes", votes.drop(columns="step").rename(columns={"n_neurons": "step"}), "accuracy"
    )
    axes[2].set(title="vote", xlabel="neurons", ylabel="accuracy", ylim=(0, 1.05), xscale="log")
    letter(axes)
    arm_legend(figure, fits)
    drawing.caption = (
        f"(a, b) Least squares of the logits of all pairs on the true class and on two ghosts, the classes "
        f"of (x, x) and (y, y); dotted: ideal neurons, 1/2; ratios beyond the axis, of networks that have "
        f"not found the true class, are cut. (c) Accuracy over all pairs at the last checkpoint as neurons "
        f"are added, mean over random orders. {seeds_and_centre(fits)}"
    )
    return drawing
