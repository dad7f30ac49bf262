"""What a network says to every pair with one x, beside what ideal neurons would say."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles

TABLES = ("_slice",)
MOST_ARMS = 2


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Per arm: the logits of its first seed, and the ideal ones of the same strength, in the same colours."""
    logits = tables["_slice"]
    arms = list(dict.fromkeys(logits["arm"]))[:MOST_ARMS]
    size = (DOUBLE, 2.3) if len(arms) > 1 else (0.7 * DOUBLE, 3.1)
    figure, axes = plt.subplots(1, 2 * len(arms), figsize=size, sharex=True, sharey=True, layout="compressed")
    drawing = Drawing(figure)
    shown = []
    for pair, (arm, style) in zip(np.split(axes, len(arms)), arm_styles(arms).items(), strict=True):
        own = logits[logits["arm"] == arm]
        seed = own["seed"].iloc[0]
        own = own[own["seed"] == seed]
        shown.append(f"{style['label']} seed {seed}")
        top = float(own[["logit", "ideal"]].abs().to_numpy().max())
        for ax, column, title in zip(pair, ("logit", "ideal"), (style["label"], "ideal"), strict=True):
            grid = own.pivot(index="y", columns="class", values=column)
            image = ax.imshow(grid, interpolation="none", cmap="RdBu_r", vmin=-top, vmax=top)
            drawing.note(f"{title} beside {arm}", column, seed, x=own["class"], y=own["y"], value=own[column])
            ax.set(title=title, xlabel="class")
        bar = figure.colorbar(image, ax=list(pair), location="bottom", aspect=40, pad=0.03)
        bar.set_label("logit less its mean over classes")
    axes[0].set_ylabel("y")
    letter(axes)
    x = int(logits["x"].iloc[0])
    n = np.unique(logits["seed"]).size
    drawing.caption = (
        f"Logits of every class for the pairs (x, y) with x = {x}, at the last checkpoint, of "
        f"{' and '.join(shown)} (the first of n = {n}), each less its mean over classes. Diagonal: the "
        f"true class; column and steep lines: the ghosts, the classes of (x, x) and of (y, y). Ideal: "
        f"the flawed indicator with the main part fitted to all pairs of that network, each ghost half "
        f"of it."
    )
    return drawing
