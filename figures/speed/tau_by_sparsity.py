"""Panel of tau over the share of weights pruned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.speed.schema import ARMS, DOSES
from figures.drawing.censored_points import bounded_points, plain_numbers
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles

MEDIAN: dict[str, Any] = {"color": "0.45", "linewidth": 0.9, "linestyle": "--"}


def tau_by_sparsity(
    drawing: Drawing, ax: Axes, tables: Mapping[TableKey, pd.DataFrame], styles: Styles
) -> str:
    """Draw tau over sparsity; return the caption's words.

    A line joins the medians of a series, with gaps where a median is a bound. A reference is drawn once,
    though it is in every series; a network of which nothing is known has no place, and is counted.

    Parameters
    ----------
    tables : mapping
        Among them those of tau and of the arms' medians.
    """
    doses, arms = tables[DOSES], tables[ARMS]
    medians = arms[["arm", "tau_median"]].copy()
    medians.loc[arms["tau_median_bound"] != "=", "tau_median"] = np.nan
    for (method, _), series in doses.groupby(["method", "reference"], sort=False, dropna=False):
        x = series[["arm", "sparsity"]].drop_duplicates().merge(medians, on="arm")
        drawing.line(ax, "median tau", str(method), x["sparsity"], x["tau_median"], seed="median", **MEDIAN)
    for arm, style in styles.items():
        networks = doses[(doses["arm"] == arm) & (doses["tau"] > 0)].drop_duplicates("seed")
        look = {"color": style["color"], "marker": style["marker"], "markersize": 4}
        for bound, seeds in networks.groupby("tau_bound"):
            bounded_points(
                drawing, ax, "tau", arm, seeds["sparsity"], seeds["tau"], str(bound), (0, 11), **look
            )
    ax.set(yscale="log", xlabel="sparsity", ylabel="τ", xlim=(-0.05, 1.02))
    ax.set_title("delay $\\tau = t_\\mathrm{gen}$ / $t_\\mathrm{mem}$")
    ax.margins(y=0.12)
    plain_numbers(ax.yaxis)
    n_unknown = int((doses.drop_duplicates(["arm", "seed"])["tau"] == 0).sum())
    unknown = f"; not drawn: {n_unknown} networks that neither memorised nor generalised" if n_unknown else ""
    return f"τ of single seeds over the share of weights pruned; dashed: medians that are no bounds{unknown}"


def median_handle() -> Line2D:
    """Return the legend's entry for medians of tau."""
    return Line2D([], [], label="median τ", **MEDIAN)
