"""Figure `progress_measures`: losses of parts of the logits, embedding, norm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analyses.progress.schema import MEASURES, PHASES
from analyses.tables.labels import arm_label
from analyses.tables.roles import compared_arms
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, step_axis

LOSSES: dict[str, tuple[str, str, Any]] = {
    "train_loss": ("train", "0.6", "-"),
    "test_loss": ("test", "#26292f", "-"),
    "restricted_sum2": ("restricted to key frequencies", "#832db6", (0, (4, 1.2))),
    "excluded": ("without key frequencies (train)", "#e76300", (0, (1, 1))),
}
"""Label, colour and line style of each loss."""
SHADES = {
    ("memorised", "clean_up_from"): ("circuit formation", "#eef1f5"),
    ("clean_up_from", "clean_up_to"): ("clean-up", "#d3dfea"),
}
"""Name and colour of the phases after memorization, by the columns of their ends."""
TITLES = {
    "gini_embedding": "Gini of the embedding",
    "key_share": "share of key frequencies",
    "l2": "L2 of the weights",
}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw losses of two arms at most; for all arms, embedding and norm."""
    measures, phases = tables[MEASURES], tables[PHASES]
    n_arms = measures["arm"].nunique()
    figure = plt.figure(figsize=(DOUBLE, 4.9))
    grid = figure.add_gridspec(2, 6)
    drawing = Drawing(figure)
    upper: list[Axes] = []
    shown = compared_arms(measures)
    for place, arm in enumerate(shown):
        width = 6 // len(shown)
        share = {"sharey": upper[0], "sharex": upper[0]} if upper else {}
        ax = figure.add_subplot(grid[0, place * width : (place + 1) * width], **share)
        _losses(drawing, ax, measures[measures["arm"] == arm], arm)
        _shade(drawing, ax, phases[phases["arm"] == arm])
        upper.append(ax)
    for ax in upper:
        step_axis(ax, measures.loc[measures["arm"].isin(shown), "step"])
    upper[0].set_ylabel("loss (nats)")
    lower = [figure.add_subplot(grid[1, 2 * place : 2 * place + 2]) for place in range(len(TITLES))]
    for ax, (name, title) in zip(lower, TITLES.items(), strict=True):
        drawing.arms(ax, name, measures, name, centre="median")
        ax.set_title(title)
        step_axis(ax, measures["step"], narrow=True)
        if n_arms == 1:
            _shade(drawing, ax, phases)
        if name != "l2":
            ax.set_ylim(-0.02, 1.02)
    letter([*upper, *lower])
    arm_legend(figure, measures)
    handles: list[Artist] = [
        Line2D([], [], color=color, linestyle=dash, label=label) for label, color, dash in LOSSES.values()
    ]
    handles += [Patch(color=color, label=label) for label, color in SHADES.values()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    drawing.caption = (
        f"({', '.join('ab'[: len(upper)])}) Cross-entropy on the examples trained on and on the others; with "
        f"nothing left of the logits but the waves of a + b at the final network's key frequencies "
        f"(restricted, all pairs), and without these (training pairs). "
        f"({', '.join('bcde'[len(upper) - 1 :][:3])}) Through training. "
        f"{seeds_and_centre(measures, 'median')} Shaded, medians over seeds: circuit formation, from where "
        f"the excluded loss is lowest (before: memorisation), and clean-up, while the test loss does the "
        f"second to ninth tenth of its fall, on a log scale; not where they are not in this order."
    )
    return drawing


def _shade(drawing: Drawing, ax: Axes, phases: pd.DataFrame) -> None:
    """Colour the phases of one arm, if they follow one another."""
    ends = phases[list(dict.fromkeys(end for pair in SHADES for end in pair))].median()
    if not all(ends[begin] < ends[end] for begin, end in SHADES):
        return
    for (begin, end), (label, color) in SHADES.items():
        ax.axvspan(ends[begin], ends[end], color=color, linewidth=0, zorder=0)
        drawing.note(f"phases {phases['arm'].iloc[0]}", label, "median", x=[ends[begin], ends[end]])


def _losses(drawing: Drawing, ax: Axes, measures: pd.DataFrame, arm: str) -> None:
    """Draw the losses of one arm: seeds thin, their median bold."""
    panel = f"losses {arm}"
    n_seeds = measures["seed"].nunique()
    for name, (label, color, dash) in LOSSES.items():
        for seed, curve in measures.groupby("seed") if n_seeds > 1 else ():
            look = {"color": color, "linewidth": 0.6, "alpha": 0.45}
            drawing.line(ax, panel, label, curve["step"], curve[name], seed=seed, **look)
        by_step = measures.groupby("step")[name].agg(["median", "size"])
        middle = by_step.loc[by_step["size"] == n_seeds, "median"]
        drawing.line(ax, panel, label, middle.index, middle, seed="median", color=color, linestyle=dash)
    ax.set(title=f"losses, {arm_label(arm)}", yscale="log")
