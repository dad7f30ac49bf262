"""Progress: losses of parts of the logits, then what the embedding and the weights say, through training."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, step_axis

TABLES = ("", "_phases")
LOSSES: dict[str, tuple[str, str, Any]] = {
    "train_loss": ("train", "0.6", "-"),
    "test_loss": ("test", "#26292f", "-"),
    "restricted_sum2": ("restricted", "#832db6", (0, (4, 1.2))),
    "excluded": ("excluded (train)", "#e76300", (0, (1, 1))),
}
"""Label, colour and line style of each loss."""
PHASES = {
    ("memorised", "clean_up_from"): ("circuit formation", "#eef1f5"),
    ("clean_up_from", "clean_up_to"): ("clean-up", "#d3dfea"),
}
"""By the columns with their ends: name and colour of the phases after memorisation."""
CURVES = {
    "gini_embedding": "Gini of the embedding",
    "key_share": "share of key frequencies",
    "l2": "L2 of the weights",
}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Losses of at most two arms above; below, for all arms, Gini, share of key frequencies and norm."""
    table, phases = tables[""], tables["_phases"]
    arms = list(dict.fromkeys(table["arm"]))
    shown = [arm for arm in ("dense", "grokked_ticket") if arm in arms] or arms[:2]
    figure = plt.figure(figsize=(DOUBLE, 4.6))
    grid = figure.add_gridspec(2, 6)
    drawing = Drawing(figure)
    upper: list[Axes] = []
    for place, arm in enumerate(shown):
        width = 6 // len(shown)
        share = {"sharey": upper[0]} if upper else {}
        ax = figure.add_subplot(grid[0, place * width : (place + 1) * width], **share)
        _losses(drawing, ax, table[table["arm"] == arm], arm)
        _shade(drawing, ax, phases[phases["arm"] == arm])
        upper.append(ax)
    upper[0].set_ylabel("loss (nats)")
    handles: list[Artist] = [
        Line2D([], [], color=color, linestyle=dash, label=label) for label, color, dash in LOSSES.values()
    ]
    handles += [Patch(color=color, label=label) for label, color in PHASES.values()]
    upper[0].legend(handles=handles, loc="lower left")
    lower = [figure.add_subplot(grid[1, 2 * place : 2 * place + 2]) for place in range(len(CURVES))]
    for ax, (name, title) in zip(lower, CURVES.items(), strict=True):
        drawing.arms(ax, name, table, name)
        ax.set_title(title)
        step_axis(ax, table["step"], narrow=True)
        if len(arms) == 1:
            _shade(drawing, ax, phases)
        if name != "l2":
            ax.set_ylim(-0.02, 1.02)
    letter([*upper, *lower])
    arm_legend(figure, table)
    drawing.caption = (
        f"({', '.join('ab'[: len(upper)])}) Cross-entropy on the examples trained on and on the others; with "
        f"nothing left of the logits but the sum directions of the final network's key frequencies "
        f"(restricted, sum2, all pairs), and without these (excluded, training pairs). "
        f"({', '.join('bcde'[len(upper) - 1 :][:3])}) Through training. {seeds_and_centre(table)} "
        f"Shaded, medians over seeds: circuit formation, from where the excluded loss is lowest (before: "
        f"memorisation), and clean-up, while the test loss does the second to ninth tenth of its fall, on a "
        f"log scale; not where they are not in this order."
    )
    return drawing


def _shade(drawing: Drawing, ax: Axes, phases: pd.DataFrame) -> None:
    """Colour the phases of one arm, if they follow one another."""
    ends = phases.drop(columns=["arm", "seed"]).median()
    if not all(ends[begin] < ends[end] for begin, end in PHASES):
        return
    for (begin, end), (label, color) in PHASES.items():
        ax.axvspan(ends[begin], ends[end], color=color, linewidth=0, zorder=0)
        drawing.note(f"phases {phases['arm'].iloc[0]}", label, "median", x=[ends[begin], ends[end]])


def _losses(drawing: Drawing, ax: Axes, own: pd.DataFrame, arm: str) -> None:
    panel = f"losses {arm}"
    several = own["seed"].nunique() > 1
    for name, (label, color, dash) in LOSSES.items():
        for seed, curve in own.groupby("seed") if several else ():
            look = {"color": color, "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, panel, label, curve["step"], curve[name], seed=seed, **look)
        shared = own.groupby("step")[name].agg(["mean", "size"])
        mean = shared.loc[shared["size"] == own["seed"].nunique(), "mean"]
        drawing.line(ax, panel, label, mean.index, mean, seed="mean", color=color, linestyle=dash)
    ax.set(title=f"losses, {arm_styles([arm])[arm]['label']}", yscale="log")
    step_axis(ax, own["step"])
