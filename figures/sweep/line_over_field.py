"""Times to generalise over the one field that a sweep varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.sweep.schema import CELLS, SWEEP
from analyses.tables.labels import field_label
from figures.drawing.censored_points import bound_handle, bounded_points, plain_numbers
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, counted
from figures.drawing.style import OTHERS, ROLES, SINGLE, plain_log

MARKERS = "os^vDPX"
MOST_TICKS = 8
"""Values that are all written at the x axis."""


def line_over_field(tables: Mapping[TableKey, pd.DataFrame], field: str) -> Drawing:
    """Draw t_gen over a field: medians as lines, networks as points."""
    cells, networks = tables[CELLS], tables[SWEEP]
    figure, ax = plt.subplots(figsize=(SINGLE, 2.9))
    drawing, places = Drawing(figure), _places(ax, cells[field])
    has_bounds = False
    handles = []
    for place, (family, arms) in enumerate(cells.groupby("family", sort=False)):
        role = arms["arm_role"].iloc[0]
        alone = cells.loc[cells["arm_role"] == role, "family"].nunique() == 1 and role in ROLES
        color = ROLES[role][0] if alone else OTHERS[place % len(OTHERS)]
        look: dict[str, Any] = {"color": color, "marker": MARKERS[place % len(MARKERS)], "markersize": 3.5}
        arms = arms.assign(at=arms[field].map(places)).dropna(subset=["at"]).sort_values("at")
        exact = arms["t_gen_median"].where(arms["t_gen_median_bound"] == "=")
        line = {"color": color, "linewidth": 1.2}
        drawing.line(ax, "median t_gen", str(family), arms["at"], exact, seed="median", **line)
        handles.append(Line2D([], [], label=str(family), **look))
        of_family = networks[networks["arm"].isin(arms["arm"]) & (networks["status"] == "done")]
        of_family = of_family.assign(at=of_family[field].map(places)).dropna(subset=["at"])
        for bound, time in (("=", "t_gen"), (">", "t_gen_after")):
            points = of_family[of_family["t_gen"].notna() == (bound == "=")]
            points = points[points[time] > 0]
            if len(points):
                bounded_points(
                    drawing, ax, "t_gen", str(family), points["at"], points[time], bound, (0, 9), **look
                )
                has_bounds |= bound == ">"
    ax.set(xlabel=field_label(field), ylabel="$t_\\mathrm{gen}$ (steps)")
    plain_log(ax)
    ax.margins(x=0.08, y=0.15)
    handles += [bound_handle()] if has_bounds else []
    figure.legend(handles=handles, loc="outside upper center", ncols=2 if not has_bounds else 1)
    n = dict(zip(cells["arm"], cells["n"], strict=True))
    drawing.caption = (
        f"Step at which networks generalise over {field_label(field)}: points are networks, lines join their "
        f"Kaplan–Meier medians, with gaps where a median is a bound ({counted(n)}); hollow, with an arrow: "
        "never generalised within so many steps."
    )
    return drawing


def _places(ax: Axes, values: pd.Series) -> dict[object, float]:
    """Return each value's place on the x axis, logarithmic for a wide range."""
    present = sorted(values.dropna().unique())
    if any(isinstance(value, str | bool) for value in present):
        ax.set_xticks(range(len(present)), [str(value) for value in present])
        return {value: float(place) for place, value in enumerate(present)}
    if min(present) > 0 and max(present) / min(present) >= 10 and not np.isnan(present).any():
        ax.set_xscale("log")
        plain_numbers(ax.xaxis)
    if len(present) <= MOST_TICKS:
        ax.set_xticks(present, [f"{value:g}" for value in present])
        ax.set_xticks([], minor=True)
    return {value: float(value) for value in present}
