"""Norms of the kept weights through training: L2, L1, and the two against each other."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing.labels import short_number
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, line_style, step_axis

TABLES = ("", "_ends", "_spread")
NORMS = {"kept_l2": "L2 of kept weights", "kept_l1": "L1 of kept weights"}
ZONE: dict[str, Any] = {"color": "0.9", "zorder": 0, "linewidth": 0}


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Both norms over steps, then every network's path in their plane with where it generalised and ended."""
    norms, ends = tables[""], tables["_ends"]
    norms = norms[norms["layer"] == "global"]
    spread = tables["_spread"].query("arm == 'all' and at == 'end'").set_index("norm")
    zones = {name: (spread["least"][name], spread["largest"][name]) for name in NORMS if len(spread)}
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 2.7))
    drawing = Drawing(figure)
    for ax, (name, title) in zip(axes[:2], NORMS.items(), strict=True):
        drawing.arms(ax, name, norms, name, centre="median")
        ax.set_title(title)
        _log_axis(ax, "y", norms, name)
        step_axis(ax, norms["step"])
        if name in zones:
            ax.axhspan(*zones[name], **ZONE)
            drawing.note(name, "zone", low=zones[name][0], high=zones[name][1])
    _plane(drawing, axes[2], norms, ends, zones)
    letter(axes)
    arm_legend(figure, norms)
    n = int(spread["n"].max()) if len(spread) else 0
    drawing.caption = (
        f"Norms of the kept weights over all layers; a dense arm's are those of its magnitude mask at each "
        f"checkpoint. (a, b) {seeds_and_centre(norms, 'median')} (c) A line per network, from its ring at "
        f"step 0; markers: filled where it had generalised, crossed at the end of one that never did. "
        f"Logarithmic axes span as many decades for L1 as for L2. Grey: from the least to the largest norm "
        f"at the end of the networks that generalised (n = {n})."
    )
    return drawing


def _plane(
    drawing: Drawing, ax: Axes, norms: pd.DataFrame, ends: pd.DataFrame, zones: dict[str, tuple[float, float]]
) -> None:
    for arm, style in arm_styles(list(dict.fromkeys(norms["arm"]))).items():
        for seed, own in norms[norms["arm"] == arm].groupby("seed"):
            look = line_style(style, seed=True)
            drawing.line(ax, "plane", arm, own["kept_l1"], own["kept_l2"], seed=seed, **look)
        begun = norms[(norms["arm"] == arm) & (norms["step"] == 0)]
        reached = ends[(ends["arm"] == arm) & (ends["at"] == "t_gen")]
        failed = ends[(ends["arm"] == arm) & (ends["outcome"] == "never")]
        look = {"linestyle": "none", "color": style["color"], "markersize": 4.5, "zorder": 5}
        rest = {"markerfacecolor": "none", "marker": "o", "markersize": 3}
        filled = {"marker": style["marker"], "markeredgecolor": "white", "markeredgewidth": 0.5}
        for name, points, extra in (
            ("start", begun, rest),
            ("generalised", reached, filled),
            ("never", failed, {"marker": "x"}),
        ):
            drawing.line(ax, f"plane {name}", arm, points["kept_l1"], points["kept_l2"], **(look | extra))
    if zones:
        ax.axhspan(*zones["kept_l2"], **ZONE)
        ax.axvspan(*zones["kept_l1"], **ZONE)
    ax.set(title="paths", xlabel=NORMS["kept_l1"], ylabel=NORMS["kept_l2"])
    _log_axis(ax, "x", norms, "kept_l1")
    _log_axis(ax, "y", norms, "kept_l2")


def _log_axis(ax: Axes, which: str, norms: pd.DataFrame, name: str) -> None:
    """A logarithmic axis of a norm, over as many decades as the other norm's, so that widths compare."""
    low, high = norms[list(NORMS)].min(), norms[list(NORMS)].max()
    spare = 1.1 * ((high / low).max() / (high[name] / low[name])) ** 0.5
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low[name] / spare, high[name] * spare)})
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axis.set_major_formatter(FuncFormatter(lambda norm, _: short_number(norm)))
    axis.set_minor_formatter(NullFormatter())
