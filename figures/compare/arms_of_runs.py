"""Figure `compare`: t_gen of the arms of several runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from analyses.compare.schema import COMPARE, NETWORKS
from analyses.tables.labels import arm_label
from figures.drawing.censored_points import bound_handle, bounded_points, plain_numbers
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import DOUBLE, OTHERS, ROLES

MEDIAN: dict[str, Any] = {"marker": "|", "markersize": 11, "markeredgewidth": 1.6}
NO_TIME = "no trained network"


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw a row per arm: networks as points, their median as a bar."""
    arms, networks = tables[COMPARE], tables[NETWORKS]
    runs = list(dict.fromkeys(arms["run"]))
    places = _places(arms)
    lowest = max(places.values())
    figure, ax = plt.subplots(figsize=(DOUBLE, 0.9 + 0.19 * (lowest + 1)))
    drawing = Drawing(figure)
    for _, row in arms.iterrows():
        run, arm, place = row["run"], row["arm"], places[row["run"], row["arm"]]
        color = ROLES[row["arm_role"]][0] if row["arm_role"] in ROLES else OTHERS[0]
        series = f"{run} {arm}"
        of_arm = networks[(networks["run"] == run) & (networks["arm"] == arm)]
        of_arm = of_arm[of_arm["status"] == "done"]
        for bound, time in (("=", "t_gen"), (">", "t_gen_after")):
            seeds = of_arm[of_arm["t_gen"].notna() == (bound == "=")]
            seeds = seeds[seeds[time] > 0]
            look = {"color": color, "marker": "o", "markersize": 3.5, "alpha": 0.7}
            bounded_points(
                drawing, ax, "t_gen", series, seeds[time], [place] * len(seeds), bound, (9, 0), **look
            )
        if row["t_gen_median_bound"] == "=":
            look = {"linestyle": "none", "color": color} | MEDIAN
            drawing.line(ax, "median t_gen", series, [row["t_gen_median"]], [place], seed="median", **look)
        if not len(of_arm):
            ax.text(
                0.01, place, NO_TIME, transform=ax.get_yaxis_transform(), va="center", color="0.5", fontsize=7
            )
    ax.set(xscale="log", xlabel="$t_\\mathrm{gen}$ (steps)", ylim=(lowest + 0.6, -1.4))
    plain_numbers(ax.xaxis)
    ax.margins(x=0.1)
    labels = {place: arm_label(arm) for (_, arm), place in places.items()}
    ax.set_yticks(list(labels), list(labels.values()))
    ax.tick_params(axis="y", length=0)
    for run in runs:
        first = min(place for (name, _), place in places.items() if name == run)
        ax.text(0, first - 0.85, run, transform=ax.get_yaxis_transform(), va="center", weight="bold")
    _legend(drawing, arms, networks)
    n = sorted({int(number) for number in arms["n"]})
    drawing.caption = (
        "Step at which networks of several runs generalise: points are networks, bars their Kaplan–Meier "
        "median where it is no bound; hollow, with an arrow: never generalised within so many steps "
        f"(networks per arm: n = {n[0]}{f' to {n[-1]}' if len(n) > 1 else ''})."
    )
    return drawing


def _places(arms: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Return the height of every arm; runs are apart."""
    places: dict[tuple[str, str], float] = {}
    at, last = -1.0, None
    for run, arm in zip(arms["run"], arms["arm"], strict=True):
        at += 1.0 if run == last or last is None else 2.2
        places[run, arm], last = at, run
    return places


def _legend(drawing: Drawing, arms: pd.DataFrame, networks: pd.DataFrame) -> None:
    """Draw a legend of roles and marks."""
    roles = [role for role in (*ROLES, "variant") if (arms["arm_role"] == role).any()]
    colors = [ROLES[role][0] if role in ROLES else OTHERS[0] for role in roles]
    look: dict[str, Any] = {"linestyle": "none"}
    handles = [
        Line2D([], [], label=role, color=color, marker="o", markersize=3.5, **look)
        for role, color in zip(roles, colors, strict=True)
    ]
    if (arms["t_gen_median_bound"] == "=").any():
        handles.append(Line2D([], [], label="median", color="0.3", **look, **MEDIAN))
    done = networks[networks["status"] == "done"]
    if (done["t_gen"].isna() & (done["t_gen_after"] > 0)).any():
        handles.append(bound_handle())
    drawing.figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
