"""Figure `outcomes`: how accurate every network became, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.grokking.schema import OUTCOMES
from figures.drawing.censored_points import bounded_points
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, counted, letter
from figures.drawing.style import DOUBLE, Styles, step_axis, table_styles

PARTS = {"train": ("memorised", "t_mem", -0.2), "test": ("generalised", "t_gen", 0.2)}
"""Parts of the data: name of the outcome, its time, its offset within an arm's row."""
LAST = {"accuracy": ("train_acc", "test_acc"), "loss": ("train_loss", "test_loss")}
"""Columns of the last accuracy or loss, in the order of the parts."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw last accuracies and times, a row per arm."""
    outcomes = tables[OUTCOMES]
    outcomes = outcomes[outcomes["status"] == "done"].reindex(columns=[c.name for c in OUTCOMES.columns])
    styles = table_styles(outcomes)
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 1.2 + 0.22 * len(styles)), sharey=True)
    drawing = Drawing(figure)
    measure = "accuracy" if outcomes["train_acc"].notna().any() else "loss"
    _last_values(drawing, axes[0], outcomes, styles, measure)
    n_never = _times(drawing, axes[1], outcomes, styles)
    axes[1].set_ylim(len(styles) - 0.5, -0.5)
    axes[0].set_yticks(range(len(styles)), [style["label"] for style in styles.values()])
    for ax in axes:
        ax.set_yticks([place + 0.5 for place in range(len(styles) - 1)], minor=True)
        ax.grid(axis="y", which="minor", color="0.88", linewidth=0.5)
        ax.tick_params(axis="y", which="both", length=0)
    letter(axes)
    tested = outcomes[LAST[measure][1]].notna().any()
    handles = [
        Line2D([], [], label=f"{part} {measure}; {words}", **_look(part, "0.3"))
        for part, (words, *_) in PARTS.items()
        if tested or part == "train"
    ]
    if n_never:
        look: dict[str, Any] = {"linestyle": "none", "color": "0.3", "markersize": 8}
        label = "never by the end of training: how many"
        handles.append(Line2D([], [], label=label, marker=r"$\rightarrow$", **look))
    title = None if tested else "no test set"
    figure.legend(handles=handles, loc="outside upper center", ncols=3, title=title)
    n = outcomes.groupby("arm", sort=False).size()
    drawing.caption = (
        f"A mark per network ({counted(n.to_dict())}). Hollow: on the examples trained on, and when it "
        f"memorised them; filled: on the others, and when it generalised; an arrow from where training "
        f"stopped: so many never did.{'' if tested else ' There is no test set.'}"
    )
    return drawing


def _last_values(drawing: Drawing, ax: Axes, outcomes: pd.DataFrame, styles: Styles, measure: str) -> None:
    """Draw every network's accuracy or loss at the end."""
    for place, (arm, style) in enumerate(styles.items()):
        arm_rows = outcomes[outcomes["arm"] == arm]
        for (part, (_, _, offset)), column in zip(PARTS.items(), LAST[measure], strict=True):
            at = [place + offset] * len(arm_rows)
            drawing.line(ax, part, arm, arm_rows[column], at, **_look(part, style["color"]))
    ax.set(title=f"{measure} at the end", xlabel=measure)
    if measure == "loss":
        ax.set_xscale("log")
    else:
        ax.set_xlim(-0.04, 1.04)


def _times(drawing: Drawing, ax: Axes, outcomes: pd.DataFrame, styles: Styles) -> int:
    """Draw when networks memorised and generalised; count those never.

    A network without a test set is not known to have never generalised, and has no mark.
    """
    n_never = 0
    for place, (arm, style) in enumerate(styles.items()):
        arm_rows = outcomes[outcomes["arm"] == arm]
        for part, (_, time, offset) in PARTS.items():
            at, look = place + offset, _look(part, style["color"])
            reached = arm_rows[arm_rows[time].notna()]
            drawing.line(ax, time, arm, reached[time], [at] * len(reached), **look)
            never = arm_rows[arm_rows[time].isna() & (arm_rows[f"{time}_after"] > 0)]
            look |= {"marker": "|", "markeredgewidth": 0.7}
            stopped = never[f"{time}_after"]
            bounded_points(drawing, ax, time, arm, stopped, [at] * len(never), ">", (11, 0), **look)
            if len(never):
                beside_arrow: dict[str, Any] = {"xytext": (14, 0), "textcoords": "offset points"}
                beside_arrow |= {"va": "center", "fontsize": 7, "color": style["color"]}
                ax.annotate(f"{len(never)}", (stopped.max(), at), **beside_arrow)
            n_never += len(never)
    last = int(outcomes["steps"].max())
    step_axis(ax, [0, 10, last])
    ax.set(title="when it memorised and generalised", xlim=(-1, 3.2 * last))
    return n_never


def _look(part: str, color: str) -> dict[str, Any]:
    """Return a mark's look: hollow for train, filled for test."""
    face = "none" if part == "train" else color
    look = {"linestyle": "none", "marker": "o", "markersize": 3.8, "color": color, "markeredgewidth": 0.7}
    return look | {"markerfacecolor": face}
