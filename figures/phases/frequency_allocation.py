"""How evenly neurons share the work: neurons per frequency, and their amplitudes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, line_style, step_axis

TABLES = ("", "_neurons", "_groups")
SIDES = {"input": "α", "output": "β"}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Counts and sorted amplitudes at the last checkpoint; coefficients of variation through training."""
    means, last, counts = tables[""], _last(tables["_neurons"]), _last(tables["_groups"])
    figure = plt.figure(figsize=(DOUBLE, 3.8))
    grid = figure.add_gridspec(2, 3)
    drawing = Drawing(figure)
    axes = [figure.add_subplot(grid[:, 0])]
    _counts(drawing, axes[0], counts)
    for row, (side, letter_of) in enumerate(SIDES.items()):
        amplitudes, variation = (figure.add_subplot(grid[row, column]) for column in (1, 2))
        _sorted(drawing, amplitudes, last, f"{side}_amplitude")
        amplitudes.set(title=f"{side} amplitude {letter_of}", xlim=(0, 1), ylim=(0, None))
        drawing.arms(variation, f"variation {side}", means, f"cv_{side}_amplitude")
        variation.set(title=f"variation of {letter_of}", ylim=(0, None))
        step_axis(variation, means["step"], narrow=True)
        axes += [amplitudes, variation]
    axes[3].set_xlabel("share of neurons")
    letter(axes)
    arm_legend(figure, means)
    drawing.caption = (
        f"(a) Live neurons of each input frequency at the last checkpoint, mean over seeds and their "
        f"range; dotted: an even share. (b, d) Amplitudes of the live neurons at that frequency, in "
        f"ascending order; thin: seeds, bold: all seeds' neurons together. (c, e) Standard deviation "
        f"over neurons by their mean; 0: all equal. {seeds_and_centre(means)}"
    )
    return drawing


def _last(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["step"] == table.groupby(["arm", "seed"])["step"].transform("max")]


def _counts(drawing: Drawing, ax: Axes, counts: pd.DataFrame) -> None:
    arms = list(dict.fromkeys(counts["arm"]))
    K = int(counts["frequency"].max())
    for place, (arm, style) in enumerate(arm_styles(arms).items()):
        own = (
            counts[counts["arm"] == arm]
            .pivot(index="frequency", columns="seed", values="n_neurons")
            .fillna(0)
        )
        x = own.index + 0.8 * ((place + 0.5) / len(arms) - 0.5)
        ax.vlines(x, own.min(axis=1), own.max(axis=1), color=style["color"], linewidth=0.8)
        look = {"color": style["color"], "marker": style["marker"], "linestyle": "none"}
        drawing.line(ax, "counts", arm, x, own.mean(axis=1), seed="mean", **look)
        drawing.note("counts range", arm, x=x, low=own.min(axis=1), high=own.max(axis=1))
        drawing.level(ax, "counts", f"{arm}, an even share", own.to_numpy().sum() / own.shape[1] / K)
    ax.set(title="neurons per frequency", xlabel="frequency k", ylim=(0, None))


def _sorted(drawing: Drawing, ax: Axes, last: pd.DataFrame, column: str) -> None:
    """Every arm's amplitudes in ascending order, of each seed and of all."""
    for arm, style in arm_styles(list(dict.fromkeys(last["arm"]))).items():
        own = last[last["arm"] == arm].dropna(subset="D")
        seeds = [(seed, of_seed) for seed, of_seed in own.groupby("seed")]
        for seed, part in [*(seeds if len(seeds) > 1 else []), ("all", own)]:
            y = np.sort(part[column].to_numpy())
            look = line_style(style, seed=seed != "all")
            drawing.line(ax, column, arm, (np.arange(len(y)) + 0.5) / max(len(y), 1), y, seed=seed, **look)
