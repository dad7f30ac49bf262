"""Figure `attribution`: what frequencies add to right and wrong logits."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.patching.schema import ATTRIBUTION
from analyses.tables.labels import arm_label
from analyses.tables.roles import arms_and_control
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, share_y_limits, step_axis

LOGITS = {
    "right": ("right answer", "#26292f", "o"),
    "neighbor": ("its neighbors", "#3f90da", "s"),
    "ghost": ("its ghosts", "#e76300", "^"),
}
"""Label, colour and marker of each logit."""
SHIFTS = (-0.15, 0.15, 0.0)
"""Places of their points beside a frequency's tick."""
MOST_FREQUENCIES = 10
"""Number of frequencies that are drawn, those that add most."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw the last attributions of a network of each of three arms, and sums through training."""
    attribution = tables[ATTRIBUTION]
    columns = {name: attribution[name] - attribution["mean"] for name in LOGITS}
    centred = attribution.assign(**columns)
    shown = arms_and_control(centred)
    figure = plt.figure(figsize=(DOUBLE, 4.6))
    grid = figure.add_gridspec(2, 3 * len(shown))
    drawing = Drawing(figure)
    upper: list[Axes] = []
    for place, arm in enumerate(shown):
        ax = figure.add_subplot(grid[0, 3 * place : 3 * place + 3])
        rows = centred[centred["arm"] == arm]
        seed = rows["seed"].min()
        _parts(drawing, ax, arm, rows[rows["seed"] == seed])
        ax.set_title(f"{arm_label(arm)}, seed {seed}")
        upper.append(ax)
    share_y_limits(upper)
    upper[0].set_ylabel("added logits")
    whole = centred[centred["component"] == "network"]
    keys = centred[(centred["component"] == "frequency") & centred["is_key"]]
    sums = keys.groupby(["arm", "arm_role", "seed", "step"], sort=False)["right"].sum().reset_index()
    lower = []
    panels = (
        ("right logit", whole, "right"),
        ("of it, by key frequencies", sums, "right"),
        ("ghosts' logit", whole, "ghost"),
    )
    for place, (title, rows, column) in enumerate(panels):
        width = len(shown)
        ax = figure.add_subplot(grid[1, place * width : (place + 1) * width])
        drawing.arms(ax, title, rows, column, centre="median")
        step_axis(ax, attribution["step"], narrow=True)
        ax.set_title(title)
        lower.append(ax)
    share_y_limits(lower)
    lower[0].set_ylabel("logits")
    letter([*upper, *lower])
    arm_legend(figure, attribution)
    handles = [
        Line2D([], [], color=color, marker=marker, linestyle="none", label=label)
        for label, color, marker in LOGITS.values()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    n = len(shown)
    drawing.caption = (
        f"({', '.join('abc'[:n])}) What the neurons of each frequency add to a logit above the mean of all "
        "logits, at the last checkpoint, mean over judged pairs: to the right answer, to its neighbors (the "
        "two answers beside it that this frequency tells apart least) and to its ghosts (wrong answers to "
        f"(a, a) and (b, b)). The {MOST_FREQUENCIES} frequencies that add most to the right answer; others: "
        "all other neurons; around: what does not pass the neurons; the right answer's sum is its logit. "
        f"({', '.join('abcdef'[n : n + 3])}) Through training, above the mean logit. "
        f"{seeds_and_centre(attribution, 'median')}"
    )
    return drawing


def _parts(drawing: Drawing, ax: Axes, arm: str, rows: pd.DataFrame) -> None:
    """Draw what frequencies, other neurons and the rest add at the last checkpoint of a network."""
    last = rows[rows["step"] == rows["step"].max()]
    frequencies = last[last["component"] == "frequency"].sort_values("right", ascending=False, kind="stable")
    most, fewer = frequencies.head(MOST_FREQUENCIES), frequencies.iloc[MOST_FREQUENCIES:]
    others = pd.concat([fewer, last[last["component"] == "rest"]])
    more = {"others": others, "around": last[last["component"] == "around"]}
    more = {label: found for label, found in more.items() if len(found)}
    labels = [*(f"{int(k)}" for k in most["unit"]), *more]
    for shift, (name, (label, color, marker)) in zip(SHIFTS, LOGITS.items(), strict=True):
        values = [*most[name]]
        if name != "neighbor":
            values += [found[name].sum(min_count=1) for found in more.values()]
        look = {"color": color, "marker": marker, "linestyle": "none", "markersize": 3.2}
        x = np.arange(len(values)) + shift
        drawing.line(ax, arm, label, x, values, seed=last["seed"].iloc[0], **look)
    drawing.level(ax, arm, "mean logit", 0.0)
    ax.set_xticks(range(len(labels)), labels, rotation=60)
    ax.set_xlabel("frequency")
