"""Points that may be bounds, as some times are censored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles

MEDIAN: dict[str, Any] = {"color": "0.45", "linewidth": 0.9, "linestyle": "--"}


def tau_by_sparsity(
    drawing: Drawing, ax: Axes, doses: pd.DataFrame, arms: pd.DataFrame, styles: Styles
) -> str:
    """Draw tau over sparsity; return the caption's words.

    A line joins the medians of a series, with gaps where a median is a bound.

    Parameters
    ----------
    doses, arms : DataFrame
        Tables of `analyses.speed`.
    """
    medians = arms[["arm", "tau_median"]].copy()
    medians.loc[arms["tau_median_bound"] != "=", "tau_median"] = np.nan
    for (method, _), series in doses.groupby(["method", "reference"], sort=False, dropna=False):
        x = series[["arm", "sparsity"]].drop_duplicates().merge(medians, on="arm")
        drawing.line(ax, "median tau", str(method), x["sparsity"], x["tau_median"], seed="median", **MEDIAN)
    for arm, style in styles.items():
        networks = doses[doses["arm"] == arm].drop_duplicates("seed")  # a reference is in every series
        look = {"color": style["color"], "marker": style["marker"], "markersize": 4}
        for bound, seeds in networks.groupby("tau_bound"):
            bounded_points(
                drawing, ax, "tau", arm, seeds["sparsity"], seeds["tau"], str(bound), (0, 11), **look
            )
    ax.set(yscale="log", xlabel="sparsity", ylabel="τ", xlim=(-0.05, 1.02))
    ax.set_title("delay $\\tau = t_\\mathrm{gen}$ / $t_\\mathrm{mem}$")
    ax.margins(y=0.12)
    plain_numbers(ax.yaxis)
    return "τ of single seeds over the share of weights pruned; dashed: medians that are no bounds"


def bounded_points(
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
    """Draw points, hollow and with arrows if they are bounds.

    Parameters
    ----------
    bound : {"=", "<", ">"}
        Relation of the numbers to the points: equal, smaller or larger.
    arrow : tuple of int
        The arrow of a lower bound, ">", in points; that of an upper bound is its opposite.
    """
    fill = {"markeredgewidth": 0} if bound == "=" else {"markerfacecolor": "white", "markeredgewidth": 0.7}
    drawing.line(ax, f"{panel} {bound}", series, x, y, **({"linestyle": "none"} | look | fill))
    way = {"=": 0, ">": 1, "<": -1}[bound]
    line = {"arrowstyle": "<-", "color": look["color"], "alpha": look.get("alpha", 1), "shrinkA": 0}
    for at in zip(x, y, strict=True) if way else ():
        away = (way * arrow[0], way * arrow[1])
        ax.annotate(
            "", at, away, textcoords="offset points", arrowprops=line | {"shrinkB": 2, "linewidth": 0.8}
        ).set_in_layout(False)


def bound_handle() -> Line2D:
    """Return the legend's entry for bounds."""
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.5, "color": "0.3"}
    label = "hollow, with an arrow: bound, never generalised"
    return Line2D([], [], markerfacecolor="white", markeredgewidth=0.7, label=label, **look)


def median_handle() -> Line2D:
    """Return the legend's entry for medians of tau."""
    return Line2D([], [], label="median τ", **MEDIAN)


def plain_numbers(axis: Axis) -> None:
    """Write plain numbers on a logarithmic axis, however short."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
