"""Figure `output_logits`: network and ideal logits at one x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analyses.logits.schema import SLICE
from analyses.tables.labels import arm_label
from analyses.tables.roles import compared_arms
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw two arms' logits, each next to ideal ones."""
    logits = tables[SLICE]
    arms = compared_arms(logits)
    size = (DOUBLE, 2.4) if len(arms) > 1 else (0.7 * DOUBLE, 3.2)
    figure, axes = plt.subplots(1, 2 * len(arms), figsize=size, sharex=True, sharey=True, layout="compressed")
    drawing = Drawing(figure)
    shown = []
    for pair, letters, arm in zip(np.split(axes, len(arms)), ("a, b", "c, d"), arms, strict=False):
        arm_rows = logits[logits["arm"] == arm]
        seed = arm_rows["seed"].iloc[0]
        network = arm_rows[arm_rows["seed"] == seed]
        shown.append(f"{arm_label(arm)} seed {seed}")
        top = float(network[["logit", "ideal"]].abs().to_numpy().max())
        for ax, column, title in zip(pair, ("logit", "ideal"), (arm_label(arm), "ideal"), strict=True):
            grid = network.pivot(index="y", columns="class", values=column)
            image = ax.imshow(grid, interpolation="none", cmap="RdBu_r", vmin=-top, vmax=top)
            panel = f"{title} beside {arm}"
            drawing.note(panel, column, seed, x=network["class"], y=network["y"], value=network[column])
            ax.set(title=title, xlabel="class", ylabel="y")
        _name_lines(pair[1], network)
        bar = figure.colorbar(image, ax=list(pair), location="bottom", aspect=40, pad=0.03)
        bar.set_label(f"logit less its mean over classes ({letters})")
    letter(axes)
    x = int(logits["x"].iloc[0])
    n = logits["seed"].nunique()
    drawing.caption = (
        f"Logits of every class for the pairs (x, y) with x = {x}, at the last checkpoint, of "
        f"{' and '.join(shown)} (the first of n = {n}), each less its mean over classes. Ideal: the flawed "
        "indicator, with the main part at the true class as fitted to all pairs of that network, and half "
        "of it at each ghost, the classes of (x, x) and of (y, y)."
    )
    return drawing


def _name_lines(ax: Axes, network: pd.DataFrame) -> None:
    """Name the three lines of the ideal logits."""
    labels = network.drop_duplicates("y").set_index("y")["label"]
    x, p = int(network["x"].iloc[0]), len(labels)
    true_y, ghost_y = round(0.45 * p), round(0.42 * p)
    others = network[(network["y"] == ghost_y) & ~network["class"].isin([labels[ghost_y], labels[x]])]
    deviation = (others["ideal"] - others["ideal"].median()).abs().to_numpy()
    ghost = int(others["class"].to_numpy()[deviation.argmax()])
    look: dict[str, Any] = {"fontsize": 6, "color": "0.15", "va": "center"}
    arrow: dict[str, Any] = {"arrowstyle": "-", "color": "0.4", "linewidth": 0.5, "shrinkA": 1, "shrinkB": 1}
    for name, cell, place, align in (
        ("true class", (labels[true_y], true_y), (0.52 * p, 0.69 * p), "left"),
        ("ghost (x, x)", (labels[x], 0.38 * p), (0.02 * p, 0.38 * p), "left"),
        ("ghost (y, y)", (ghost, ghost_y), (0.98 * p, 0.12 * p), "right"),
    ):
        ax.annotate(name, cell, place, ha=align, arrowprops=arrow, **look)
