"""Figures `flawed_indicator` and `logits`: fit and vote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator

from analyses.logits.schema import FITS, LEAST_R2, VOTES
from figures.drawing.censored_points import plain_numbers
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, step_axis

IDEAL: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw fit and ghosts over steps, accuracy by votes."""
    fits, votes = tables[FITS], tables[VOTES]
    figure, (fit, ghosts, vote) = plt.subplots(1, 3, figsize=(DOUBLE, 2.5))
    drawing = Drawing(figure)
    drawing.arms(fit, "r2", fits, "r2")
    fit.set(title="fit of the indicator", ylabel="R² (ideal neurons: 1)", ylim=(0, None))
    drawing.arms(ghosts, "ratio", fits.assign(ratio=fits["ratio"].where(fits["r2"] >= LEAST_R2)), "ratio")
    drawing.level(ghosts, "ratio", "ideal neurons", 0.5, **IDEAL)
    ghosts.set(title=f"ghosts, where R² ≥ {LEAST_R2:g}", ylabel="ghost / main")
    ghosts.set_ylim(min(0, ghosts.get_ylim()[0]), max(0.6, ghosts.get_ylim()[1]))
    for ax in (fit, ghosts):
        step_axis(ax, fits["step"])
    drawing.arms(vote, "votes", votes, "accuracy", x="n_neurons")
    vote.set(title="vote of some neurons", xlabel="neurons", ylabel="accuracy", ylim=(0, 1.05), xscale="log")
    plain_numbers(vote.xaxis)
    if votes["n_neurons"].max() > 100:
        vote.xaxis.set_major_locator(LogLocator())  # 1, 10, 100: no room for more
    letter([fit, ghosts, vote])
    arm_legend(figure, fits, [Line2D([], [], label="ideal neurons, (b)", **IDEAL)])
    drawing.caption = (
        "(a, b) Least-squares fit of the logits of all pairs by the true class (main) and two ghosts, the "
        "classes of (x, x) and (y, y); ideal neurons have ghost / main 1/2. The ratio is drawn only where "
        f"R² is at least {LEAST_R2:g}: below, main is near 0. (c) Accuracy over all pairs at the last "
        f"checkpoint if only some neurons vote, mean over random orders. {seeds_and_centre(fits)}"
    )
    return drawing
