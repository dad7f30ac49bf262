"""What memorises and what generalises: how far every network of a run got, and when."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from figures.drawing.censored_points import points
from figures.drawing.recorded_figure import Drawing, counted, letter
from figures.drawing.style import DOUBLE, arm_styles, step_axis

TABLES = ("",)
PARTS = {"train": ("memorised", "t_mem", -0.2), "test": ("generalised", "t_gen", 0.2)}
"""What a network that is good on a part has done, since when, and where that stands in its row."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A row per arm, with every seed: accuracies (or losses) at the end on the left, times on the right."""
    outcomes = tables[""]
    outcomes = outcomes[outcomes["status"] == "done"]
    styles = arm_styles(list(dict.fromkeys(outcomes["arm"])))
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 1.0 + 0.22 * len(styles)), sharey=True)
    drawing = Drawing(figure)
    measure, unit = ("accuracy", "acc") if outcomes["test_acc"].notna().any() else ("loss", "loss")
    for place, (arm, style) in enumerate(styles.items()):
        own = outcomes[outcomes["arm"] == arm]
        for part, (_, time, off) in PARTS.items():
            at, look = place + off, _look(part, style["color"])
            drawing.line(axes[0], part, arm, own[f"{part}_{unit}"], [at] * len(own), **look)
            reached, never = own[own[time].notna()], own[own[time].isna()]
            drawing.line(axes[1], time, arm, reached[time], [at] * len(reached), **look)
            look |= {"marker": "|", "markeredgewidth": 0.7}
            stopped = never[f"{time}_after"]
            points(drawing, axes[1], time, arm, stopped, [at] * len(never), ">", (11, 0), **look)
            if len(never):
                beside = {"xytext": (14, 0), "textcoords": "offset points", "va": "center", "fontsize": 7}
                axes[1].annotate(f"{len(never)}", (stopped.max(), at), **beside, color=style["color"])
    axes[0].set(title=f"{measure} at the end", xlabel=measure)
    if measure == "loss":
        axes[0].set_xscale("log")
    else:
        axes[0].set_xlim(-0.04, 1.04)
    last = int(outcomes["steps"].max())
    step_axis(axes[1], [0, 10, last])
    axes[1].set(title="when", ylim=(len(styles) - 0.5, -0.5), xlim=(-1, 3.2 * last))
    axes[0].set_yticks(range(len(styles)), [style["label"] for style in styles.values()])
    for ax in axes:
        ax.set_yticks([place + 0.5 for place in range(len(styles) - 1)], minor=True)
        ax.grid(axis="y", which="minor", color="0.88", linewidth=0.5)
        ax.tick_params(axis="y", which="both", length=0)
    letter(axes)
    handles = [
        Line2D([], [], label=f"{part} {measure}; {words}", **_look(part, "0.3"))
        for part, (words, *_) in PARTS.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    n = outcomes.groupby("arm", sort=False).size()
    drawing.caption = (
        f"A mark per network ({counted(n.to_dict())}). Hollow: on the examples trained on, and when it "
        f"memorised them; filled: on the others, and when it generalised; an arrow from where training "
        f"stopped: so many never did."
    )
    return drawing


def _look(part: str, color: str) -> dict[str, Any]:
    face = "none" if part == "train" else color
    look = {"linestyle": "none", "marker": "o", "markersize": 3.8, "color": color, "markeredgewidth": 0.7}
    return look | {"markerfacecolor": face}
