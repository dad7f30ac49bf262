"""Figure `vote_subsets`: votes of some frequencies or neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from analyses.logits.schema import IDEAL_SUBSETS, SUBSETS
from figures.drawing.censored_points import plain_numbers
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE

IDEAL: dict[str, Any] = {
    "color": "0.45",
    "linestyle": "none",
    "marker": "x",
    "markersize": 3,
    "label": "128 ideal neurons",
}
AXES = {"frequencies": "frequencies", "neurons": "neurons of every frequency"}
"""Words for what is added to the vote."""
MEASURES = {"accuracy": "accuracy", "loss": "loss (nats)"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw accuracy and loss by frequencies and neurons that vote."""
    votes, ideal = tables[SUBSETS], tables[IDEAL_SUBSETS]
    figure, axes = plt.subplots(2, 2, figsize=(DOUBLE, 4.4), sharey="row")
    drawing = Drawing(figure)
    for row, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        for ax, (of, what) in zip(row, AXES.items(), strict=True):
            panel = f"{measure} by {of}"
            drawing.arms(ax, panel, votes[votes["of"] == of], measure, centre="median", x="n")
            exact = ideal[ideal["of"] == of]
            drawing.line(ax, panel, "ideal", exact["n"], exact[measure], **IDEAL)
            ax.set(title=f"{measure}: vote of some {what}", xlabel=what)
        row[0].set_ylabel(label)
    axes[1, 0].set_yscale("log")
    for ax in axes[:, 1]:
        ax.set_xscale("log")
        plain_numbers(ax.xaxis)
    letter(list(axes.ravel()))
    arm_legend(figure, votes, [Line2D([], [], **IDEAL)])
    drawing.caption = (
        "Accuracy and cross-entropy over all pairs at the last checkpoint if only some neurons vote, means "
        "over random choices. Left: all neurons of some frequencies; right: some neurons of every "
        "frequency, that is, of its phases. Crosses: ideal neurons of amplitude 1, squared, spread evenly "
        f"over frequencies and phases. {seeds_and_centre(votes, 'median')}"
    )
    return drawing
