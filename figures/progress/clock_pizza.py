"""Clock or Pizza: where trained networks stand by gradient symmetricity and distance irrelevance."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import DOUBLE, arm_styles

TABLES = ("n_mainline/progress", "m_transformer/progress", "modadd_ticket/progress")
RUNS: dict[str, tuple[str, Any]] = {
    "n_mainline/progress": ("transformer of 4 heads, p = 113", "full"),
    "m_transformer/progress": ("transformer of 1 head, p = 67", "none"),
    "modadd_ticket/progress": ("summed embeddings, p = 67", "left"),
}
"""What each run's network is, and how its markers are filled."""
PUBLISHED = {"Pizza": (0.1717, 0.9937), "Clock": (0.8483, 0.3336)}
"""Distance irrelevance and gradient symmetricity of two networks as Zhong et al. report them."""
X, Y = "distance_irrelevance", "gradient_symmetricity"


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Every network at its last checkpoint; the path there of the first run's network."""
    figure, ax = plt.subplots(figsize=(DOUBLE, 3.6))
    drawing = Drawing(figure)
    styles = arm_styles(list(dict.fromkeys(arm for table in tables.values() for arm in table["arm"])))
    path = tables["n_mainline/progress"]
    path = path[path["seed"] == path["seed"].min()].sort_values("step")
    drawing.line(ax, "plane", "n_mainline, through training", path[X], path[Y], color="0.75", linewidth=0.8)
    counts = []
    for name, (words, fill) in RUNS.items():
        table = tables[name]
        last = table[table["step"] == table.groupby(["arm", "seed"])["step"].transform("max")]
        counts.append(f"{words} (n = {len(last)})")
        for arm in dict.fromkeys(last["arm"]):
            own = last[last["arm"] == arm]
            look = {name: styles[arm][name] for name in ("color", "marker")} | {"linestyle": "none"}
            look |= {"markersize": 4, "markeredgewidth": 0.8, "fillstyle": fill}
            drawing.line(ax, "plane", f"{name.partition('/')[0]} {arm}", own[X], own[Y], **look)
    for name, (x, y) in PUBLISHED.items():
        look = {"linestyle": "none", "marker": "*", "markersize": 10, "color": "black", "clip_on": False}
        drawing.line(ax, "plane", f"{name}, published", [x], [y], **look)
        label = f"{name}\n(published)"
        ax.annotate(label, (x, y), xytext=(8, 0), textcoords="offset points", va="center", fontsize=7)
    ax.set(xlabel="distance irrelevance", ylabel="gradient symmetricity", xlim=(0, 1.02), ylim=(-0.05, 1.05))
    _legends(ax, styles)
    drawing.caption = (
        f"Networks at their last checkpoint: {'; '.join(counts)}. Networks that add their embeddings are "
        f"symmetric by construction. Grey: the first network of four heads through training, from the upper "
        f"right. Stars: the two networks whose numbers Zhong et al. publish."
    )
    return drawing


def _legends(ax: Axes, styles: dict[str, dict[str, Any]]) -> None:
    """Colours and markers are arms, their filling the run."""
    arms = [
        Line2D([], [], linestyle="none", marker=look["marker"], color=look["color"], label=look["label"])
        for look in styles.values()
    ]
    runs = [
        Line2D([], [], linestyle="none", marker="o", color="0.3", fillstyle=fill, label=words)
        for words, fill in RUNS.values()
    ]
    ax.add_artist(ax.legend(handles=runs, loc="center left", bbox_to_anchor=(0.0, 0.72), title="network"))
    ax.legend(handles=arms, loc="lower left", title="arm", ncols=2)
