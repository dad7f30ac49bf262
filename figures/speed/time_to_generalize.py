"""Figure `speed`: survival curves, ratios of t_gen, tau by sparsity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.speed.schema import ARMS, DOSES, PAIRS, RATIOS, SURVIVAL
from figures.drawing.censored_points import (
    bound_handle,
    bounded_points,
    plain_numbers,
)
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter
from figures.drawing.style import DOUBLE, Styles, line_style, step_axis, table_styles
from figures.speed.tau_by_sparsity import median_handle, tau_by_sparsity

STOPPED: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 7}
SEED: dict[str, Any] = {"marker": "o", "markersize": 2.5, "alpha": 0.5}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw survival curves, ratios of t_gen, tau by sparsity.

    A run without ratios, or without a series of sparsities, has fewer panels.
    """
    ratios, pairs, arms, doses = (tables[table] for table in (RATIOS, PAIRS, ARMS, DOSES))
    ratios, pairs = (t[(t["role"] == "reference") & (t["quantity"] == "t_gen")] for t in (ratios, pairs))
    ratios = ratios[ratios["n"] > 0]
    size = (DOUBLE, max(3.0, 1.7 + 0.17 * len(arms)))
    figure, axes = plt.subplots(1, 1 + (len(ratios) > 0) + (len(doses) > 0), figsize=size, squeeze=False)
    drawing, panels, styles = Drawing(figure), iter(axes[0]), table_styles(arms)
    handles: list[Line2D] = []
    drawing.caption = _survival(drawing, next(panels), tables[SURVIVAL], arms, styles)
    if tables[SURVIVAL]["n_censored"].any():
        handles.append(Line2D([], [], color="0.3", label="training stopped", **STOPPED))
    if len(ratios):
        drawing.caption += _ratios(drawing, next(panels), ratios, pairs, styles)
        handles += _ratio_handles(ratios)
    if len(doses):
        drawing.caption += f" {tau_by_sparsity(drawing, next(panels), tables, styles)}; bounds as before."
        handles.append(median_handle())
    if (pairs["ratio_bound"] != "=").any() or (doses["tau_bound"] != "=").any():
        handles.append(bound_handle())
    letter(axes[0])
    arm_legend(figure, arms)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return drawing


def _survival(drawing: Drawing, ax: Axes, curves: pd.DataFrame, arms: pd.DataFrame, styles: Styles) -> str:
    """Draw survival curves; return the caption's sentence."""
    for arm, style in styles.items():
        curve = curves[curves["arm"] == arm]
        look = line_style(style) | {"drawstyle": "steps-post"}
        drawing.line(ax, "survival", arm, curve["step"], curve["share"], **look)
        stopped = curve[curve["n_censored"] > 0]
        look = STOPPED | {"color": style["color"]}
        drawing.line(ax, "stopped before", arm, stopped["step"], stopped["share"], **look)
    ax.set(title="not generalised yet", ylabel="share of networks", ylim=(-0.03, 1.06))
    positive = curves.loc[curves["step"] > 0, "step"]
    step_axis(ax, [10 ** int(np.log10(positive.min())), int(positive.max())] if len(positive) else [])
    n = counted(dict(zip(arms["arm"], arms["n"], strict=True)))
    return f"Share of networks that have not generalised yet (Kaplan–Meier; bars: training stopped; {n})."


def _ratios(drawing: Drawing, ax: Axes, ratios: pd.DataFrame, pairs: pd.DataFrame, styles: Styles) -> str:
    """Draw ratios in a row per arm; return the caption's sentence.

    The mean with its interval, below them the seeds.
    """
    ratios = ratios.sort_values("arm", key=lambda arms: arms.map(list(styles).index), kind="stable")
    for place, (_, row) in enumerate(ratios.iterrows()):
        arm, bound, style = row["arm"], row["ratio_bound"], styles[row["arm"]]
        for seed_bound, seeds in pairs[pairs["arm"] == arm].groupby("ratio_bound"):
            at, look = [place + 0.25] * len(seeds), {"color": style["color"]} | SEED
            bounded_points(drawing, ax, "ratio", arm, seeds["ratio"], at, str(seed_bound), (6, 0), **look)
        if pd.notna(row["low"]):
            ax.hlines(place, row["low"], row["high"], color=style["color"], linewidth=1)
            drawing.note("interval", arm, y=place, low=row["low"], high=row["high"])
        if isinstance(bound, str):
            look = {"marker": style["marker"], "color": style["color"], "markersize": 3.5}
            bounded_points(drawing, ax, "mean ratio", arm, [row["ratio"]], [place], bound, (11, 0), **look)
    ax.axvline(1, color="0.8", linewidth=0.6, zorder=0)
    ax.set_yticks(range(len(ratios)), [styles[arm]["label"] for arm in ratios["arm"]])
    references = set(ratios["numerator"])
    reference = styles[references.pop()]["label"] if len(references) == 1 else "reference"
    ax.set(xscale="log", ylim=(len(ratios) - 0.5, -0.5), xlabel=f"ratio (above 1: earlier than {reference})")
    ax.margins(x=0.12)
    plain_numbers(ax.xaxis)
    ax.set_title(f"$t_\\mathrm{{gen}}$: {reference} / arm")
    return (
        f" Ratio of t_gen, {reference} over arm: geometric mean over pairs of one seed (at most n = "
        f"{ratios['n'].max()}) with its 95 % interval (Student's t on log-ratios); pale: single seeds; "
        f"hollow, with an arrow: bounds by networks that never generalised."
    )


def _ratio_handles(ratios: pd.DataFrame) -> list[Line2D]:
    """Return the legend's entries for ratios."""
    line = "-" if ratios["low"].notna().any() else "none"
    interval = ", 95 % interval" if line == "-" else ""
    mean: dict[str, Any] = {
        "color": "0.3",
        "marker": "s",
        "markersize": 3.5,
        "linestyle": line,
        "linewidth": 1,
    }
    return [
        Line2D([], [], label=f"geometric mean of the seeds{interval}", **mean),
        Line2D([], [], color="0.3", linestyle="none", label="single seed", **SEED),
    ]
