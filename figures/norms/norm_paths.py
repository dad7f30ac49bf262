"""Figure `norm_paths`: L2 and L1 norms of kept weights, and the plane of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analyses.norms.schema import ALL_ARMS, ENDS, NORMS, SPREAD
from analyses.tables.labels import short_number
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, line_style, step_axis, table_styles

TITLES = {"kept_l2": "L2 of kept weights", "kept_l1": "L1 of kept weights"}
ZONE: dict[str, Any] = {"color": "0.9", "zorder": 0, "linewidth": 0}
MARKS: dict[str, dict[str, Any]] = {
    "start": {"markerfacecolor": "none", "marker": "o", "markersize": 3},
    "generalised": {"markeredgecolor": "white", "markeredgewidth": 0.5},
    "never": {"marker": "x"},
}
"""Look of the points of the plane, added to that of their arm."""


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw both norms over steps, and against each other."""
    norms, spread = tables[NORMS], tables[SPREAD]
    norms = norms[norms["layer"] == "global"]
    spread = spread[(spread["arm"] == ALL_ARMS) & (spread["at"] == "end")].set_index("norm")
    zones = {norm: (spread["least"][norm], spread["largest"][norm]) for norm in TITLES if len(spread)}
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 3.1))
    drawing = Drawing(figure)
    for ax, (norm, title) in zip(axes[:2], TITLES.items(), strict=True):
        drawing.arms(ax, norm, norms, norm, centre="median")
        ax.set_title(title)
        _log_axis(ax, "y", norms, norm)
        step_axis(ax, norms["step"])
        if norm in zones:
            ax.axhspan(*zones[norm], **ZONE)
            drawing.note(norm, "zone", low=zones[norm][0], high=zones[norm][1])
    _plane(drawing, axes[2], norms, tables[ENDS], zones)
    letter(axes)
    arm_legend(figure, norms)
    n = int(spread["n"].max()) if len(spread) else 0
    figure.legend(handles=_handles(n), loc="outside lower center", ncols=4)
    drawing.caption = (
        f"Norms of the kept weights over all layers; a dense arm's are those of its magnitude mask at each "
        f"checkpoint. (a, b) {seeds_and_centre(norms, 'median')} (c) A line per network, from step 0; "
        f"filled markers: the first checkpoint at which it had generalised; crosses: the end of one that "
        f"never did. Logarithmic axes span as many decades for L1 as for L2. Grey: from the least to the "
        f"largest norm at the end of the networks that generalised (n = {n})."
    )
    return drawing


def _plane(
    drawing: Drawing, ax: Axes, norms: pd.DataFrame, ends: pd.DataFrame, zones: dict[str, tuple[float, float]]
) -> None:
    for arm, style in table_styles(norms).items():
        path, arm_ends = norms[norms["arm"] == arm], ends[ends["arm"] == arm]
        for seed, curve in path.groupby("seed"):
            look = line_style(style, seed=True)
            drawing.line(ax, "plane", arm, curve["kept_l1"], curve["kept_l2"], seed=seed, **look)
        points = {
            "start": path[path["step"] == 0],
            "generalised": arm_ends[arm_ends["at"] == "t_gen"],
            "never": arm_ends[arm_ends["outcome"] == "never"],
        }
        look = {name: style[name] for name in ("color", "marker")} | {"linestyle": "none", "markersize": 4.5}
        for name, at in points.items():
            mark = look | {"zorder": 5} | MARKS[name]
            drawing.line(ax, f"plane {name}", arm, at["kept_l1"], at["kept_l2"], **mark)
    if zones:
        ax.axhspan(*zones["kept_l2"], **ZONE)
        ax.axvspan(*zones["kept_l1"], **ZONE)
    ax.set(title="both: a line per network", xlabel=TITLES["kept_l1"], ylabel=TITLES["kept_l2"])
    _log_axis(ax, "x", norms, "kept_l1")
    _log_axis(ax, "y", norms, "kept_l2")


def _handles(n: int) -> list[Artist]:
    """Return the legend of points and zone."""
    look: dict[str, Any] = {"linestyle": "none", "color": "0.35", "marker": "s", "markersize": 4.5}
    words = {"start": "step 0", "generalised": "has generalised", "never": "end, never generalised"}
    points: list[Artist] = [
        Line2D([], [], **(look | MARKS[name]), label=label) for name, label in words.items()
    ]
    zone = Patch(**ZONE, label=f"range at the end of networks that generalised (n = {n})")
    return [*points, zone] if n else points


def _log_axis(ax: Axes, which: str, norms: pd.DataFrame, norm: str) -> None:
    """Make an axis logarithmic, with as many decades for both norms."""
    low, high = norms[list(TITLES)].min(), norms[list(TITLES)].max()
    margin = 1.1 * ((high / low).max() / (high[norm] / low[norm])) ** 0.5
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low[norm] / margin, high[norm] * margin)})
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axis.set_minor_formatter(NullFormatter())
