"""Points that may be bounds, as some times are censored."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing.recorded_figure import Drawing

MOST_ARROWS = 200
"""Arrows of one series; of more points, evenly chosen ones have one. Each takes milliseconds to draw."""


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
    points = list(zip(x, y, strict=True)) if way else []
    for at in points[:: -(-len(points) // MOST_ARROWS) or 1]:
        away = (way * arrow[0], way * arrow[1])
        ax.annotate(
            "", at, away, textcoords="offset points", arrowprops=line | {"shrinkB": 2, "linewidth": 0.8}
        ).set_in_layout(False)


def bound_handle() -> Line2D:
    """Return the legend's entry for bounds."""
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.5, "color": "0.3"}
    label = "hollow, with an arrow: bound, never generalised"
    return Line2D([], [], markerfacecolor="white", markeredgewidth=0.7, label=label, **look)


def plain_numbers(axis: Axis) -> None:
    """Write plain numbers on a logarithmic axis, however short."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
