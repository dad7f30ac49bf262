"""Other operations: accuracy of the dense network and of its grokked ticket, a panel each."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from analyses.tables.labels import OPERATIONS
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, step_axis
from figures.grokking.accuracy_curves import crossings, curve_panel, thin, threshold_words

TABLES = ("m_ops/grokking", "m_ops/grokking_curves")
ROLES = {"dense": "dense", "ticket": "grokked_ticket"}
"""What the last part of an arm's name stands for; the rest is its operation."""


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Test curves with the steps at which each seed generalised, and the median on the training examples."""
    outcomes, curves = (_split(tables[name]) for name in TABLES)
    shown = thin(curves)
    names = list(dict.fromkeys(shown["operation"]))
    figure, axes = plt.subplots(2, (len(names) + 1) // 2, figsize=(DOUBLE, 4), sharex=True, sharey=True)
    drawing = Drawing(figure)
    for ax, name in zip(axes.flat, names, strict=False):
        own, times = (table[table["operation"] == name] for table in (shown, outcomes))
        for arm, style in arm_styles(list(dict.fromkeys(own["arm"]))).items():
            middle = own[own["arm"] == arm].groupby("step")["train"].median()
            look = {"color": style["color"], "linestyle": ":", "linewidth": 1}
            drawing.line(ax, f"{name} train", arm, middle.index, middle, seed="median", **look)
        curve_panel(drawing, ax, f"{name} test", own, "test")
        crossings(drawing, ax, f"{name} t_gen", times, own)
        step_axis(ax, shown["step"])
        ax.set_title(OPERATIONS[name])
    for ax in axes.flat[len(names) :]:
        ax.remove()
    for ax in axes[0]:
        ax.set_xlabel("")
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy")
    letter(axes.flat[: len(names)])
    arm_legend(figure, shown)
    drawing.caption = (
        f"Test accuracy modulo 67. {seeds_and_centre(tables[TABLES[1]], 'median')} Dotted curves: median on "
        f"the examples trained on. {threshold_words(tables[TABLES[0]], shown)}"
    )
    return drawing


def _split(table: pd.DataFrame) -> pd.DataFrame:
    """The operation in a column of its own, and arms by their roles."""
    parts = table["arm"].str.rpartition("_")
    return table.assign(operation=parts[0], arm=parts[2].map(ROLES))
