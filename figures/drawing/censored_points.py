"""Numbers of which only a bound may be known, because some networks never got there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles


def tau_by_sparsity(
    drawing: Drawing, ax: Axes, doses: pd.DataFrame, arms: pd.DataFrame, styles: Styles
) -> str:
    """A column per arm: its seeds; a line through every series' medians, broken where one is a bound."""
    medians = arms[["arm", "tau_median"]].copy()
    medians.loc[arms["tau_median_bound"] != "=", "tau_median"] = np.nan
    for (method, _), series in doses.groupby(["method", "reference"], sort=False, dropna=False):
        own = series[["arm", "sparsity"]].drop_duplicates().merge(medians, on="arm")
        line = {"color": "0.45", "linewidth": 0.9, "linestyle": ":"}
        drawing.line(ax, "median tau", str(method), own["sparsity"], own["tau_median"], seed="median", **line)
    for arm, style in styles.items():
        own = doses[doses["arm"] == arm].drop_duplicates("seed")  # a reference stands in every series
        look = {"color": style["color"], "marker": style["marker"], "markersize": 4}
        for bound, seeds in own.groupby("tau_bound"):
            points(drawing, ax, "tau", arm, seeds["sparsity"], seeds["tau"], str(bound), (0, 11), **look)
    ax.set(yscale="log", xlabel="sparsity", xlim=(-0.05, 1.02))
    ax.set_title("$\\tau = t_\\mathrm{gen}$ / $t_\\mathrm{mem}$")
    ax.margins(y=0.12)
    plain_numbers(ax.yaxis)
    return "τ of single seeds over the share of weights pruned; dotted: medians that are no bounds"


def points(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    series: str,
    x: Any,
    y: Any,
    bound: str,
    arrow: tuple[int, int],
    **look: Any,
) -> None:
    """Points; where only a bound is known hollow, with an arrow of this length (in points, for ">")."""
    fill = {"markeredgewidth": 0} if bound == "=" else {"markerfacecolor": "white", "markeredgewidth": 0.7}
    drawing.line(ax, f"{panel} {bound}", series, x, y, **({"linestyle": "none"} | look | fill))
    way = {"=": 0, ">": 1, "<": -1}[bound]
    line = {"arrowstyle": "<-", "color": look["color"], "alpha": look.get("alpha", 1), "shrinkA": 0}
    for at in zip(x, y, strict=True) if way else ():
        away = (way * arrow[0], way * arrow[1])
        ax.annotate(
            "", at, away, textcoords="offset points", arrowprops=line | {"shrinkB": 2, "linewidth": 0.8}
        ).set_in_layout(False)


def plain_numbers(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, also if it spans less than a power of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
