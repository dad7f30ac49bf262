"""Figure `clock_pizza`: trained networks between the Clock and the Pizza."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.progress.schema import MEASURES
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import DOUBLE, Styles, table_styles

RUNS: dict[TableKey, tuple[str, Any]] = {
    ("n_mainline", MEASURES): ("transformer of 4 heads", "full"),
    ("m_transformer", MEASURES): ("transformer of 1 head", "none"),
    ("modadd_ticket", MEASURES): ("summed embeddings: symmetric by construction", "left"),
}
"""Name of each run's networks, and how their markers are filled."""
PUBLISHED = {"Pizza": (0.1717, 0.9937), "Clock": (0.8483, 0.3336)}
"""Distance irrelevance and gradient symmetricity of two networks as Zhong et al. report them."""
X, Y = "distance_irrelevance", "gradient_symmetricity"
PATH: dict[str, Any] = {"color": "0.75", "linewidth": 0.8}
STAR: dict[str, Any] = {"linestyle": "none", "marker": "*", "markersize": 10, "color": "black"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw every network's last checkpoint, and one network's path there."""
    figure, ax = plt.subplots(figsize=(DOUBLE, 3.8))
    drawing = Drawing(figure)
    styles = table_styles(pd.concat([tables[key] for key in RUNS]))
    path = next(tables[key] for key in RUNS)
    path = path[(path["arm"] == path["arm"].iloc[0]) & (path["seed"] == path["seed"].min())]
    path = path.sort_values("step")
    drawing.line(ax, "plane", "n_mainline, through training", path[X], path[Y], **PATH)
    counts = []
    for key, (words, fill) in RUNS.items():
        assert isinstance(key, tuple)
        measures = tables[key]
        last = measures[measures["step"] == measures.groupby(["arm", "seed"])["step"].transform("max")]
        counts.append(f"{words} (n = {len(last)})")
        for arm in dict.fromkeys(last["arm"]):
            arm_rows = last[last["arm"] == arm]
            look = {name: styles[arm][name] for name in ("color", "marker")} | {"linestyle": "none"}
            look |= {"markersize": 4, "markeredgewidth": 0.8, "fillstyle": fill}
            drawing.line(ax, "plane", f"{key[0]} {arm}", arm_rows[X], arm_rows[Y], **look)
    for name, (x, y) in PUBLISHED.items():
        drawing.line(ax, "plane", f"{name}, published", [x], [y], clip_on=False, **STAR)
        ax.annotate(name, (x, y), xytext=(8, 0), textcoords="offset points", va="center", fontsize=7)
    ax.set(xlabel="distance irrelevance", ylabel="gradient symmetricity", xlim=(0, 1.02), ylim=(-0.05, 1.05))
    _legends(figure, ax, styles)
    drawing.caption = (
        f"Networks at their last checkpoint: {'; '.join(counts)}. Grey: the first network of four heads "
        f"through training. Stars: the two networks whose numbers Zhong et al. publish."
    )
    return drawing


def _legends(figure: plt.Figure, ax: Axes, styles: Styles) -> None:
    """Draw the legend of arms, and that of networks."""
    arms = [
        Line2D([], [], linestyle="none", marker=look["marker"], color=look["color"], label=look["label"])
        for look in styles.values()
    ]
    networks = [
        Line2D([], [], linestyle="none", marker="o", color="0.3", fillstyle=fill, label=words)
        for words, fill in RUNS.values()
    ]
    networks.append(Line2D([], [], **PATH, label="the first one's path through training"))
    networks.append(Line2D([], [], **(STAR | {"markersize": 6}), label="published, Zhong et al."))
    ax.legend(handles=networks, loc="lower left", title="network, at its last checkpoint")
    figure.legend(handles=arms, loc="outside right center", title="arm")
