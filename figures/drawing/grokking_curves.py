"""Curves of accuracy or loss, with threshold and t_gen.

Tables are those of `analyses.grokking`: its outcomes and its curves.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.tables.labels import arm_label
from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import Styles, step_axis, table_styles
from training.runs.log_spacing import thinned

THRESHOLD: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}
SINGLE_SEED: dict[str, Any] = {"color": "0.45", "linewidth": 0.6, "alpha": 0.6}
MARK: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.4,
}


def thin_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return curves at fewer steps, evenly spaced logarithmically."""
    steps = pd.Series(sorted(set(curves["step"])))
    return curves[curves["step"].isin(steps.iloc[thinned(steps.to_numpy())])]


def curve_panel(
    drawing: Drawing, ax: Axes, panel: str, curves: pd.DataFrame, part: str, styles: Styles | None = None
) -> None:
    """Draw the decisive quantity over steps, and its threshold.

    Parameters
    ----------
    part : {"train", "test"}
        Part of the data.
    styles : dict, optional
        Styles of all arms of the figure, if `curves` has only some of them.
    """
    drawing.arms(ax, panel, curves, part, centre="median", styles=styles)
    for threshold in dict.fromkeys(curves["threshold"]):
        drawing.level(ax, panel, "threshold", float(threshold), **THRESHOLD)
    if curves[part].isna().all():
        ax.text(0.5, 0.5, "no test set", transform=ax.transAxes, ha="center", va="center")
    if curves["judged_by"].iloc[0] == "accuracy":
        ax.set_ylim(-0.02, 1.09)
    else:
        ax.set_yscale("log")
    step_axis(ax, curves["step"])


def mark_t_gen(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    outcomes: pd.DataFrame,
    curves: pd.DataFrame,
    styles: Styles | None = None,
) -> None:
    """Mark t_gen on every seed's test curve.

    Parameters
    ----------
    curves : DataFrame
        All evaluations, not only the thinned ones: t_gen is one of their steps.
    """
    generalised = outcomes.loc[outcomes["t_gen"].notna(), ["arm", "seed", "t_gen"]]
    values = curves.rename(columns={"step": "t_gen"})[["arm", "seed", "t_gen", "test"]]
    marks = generalised.merge(values, on=["arm", "seed", "t_gen"])
    for arm, style in (styles or table_styles(outcomes)).items():
        arm_marks = marks[marks["arm"] == arm]
        look = {"color": style["color"], "marker": style["marker"], "zorder": 5} | MARK
        if len(arm_marks):
            drawing.line(ax, panel, arm, arm_marks["t_gen"], arm_marks["test"], **look)


def curve_handles(curves: pd.DataFrame, *, marks: bool) -> list[Line2D]:
    """Return the legend's entries for everything but arms."""
    thresholds = ", ".join(f"{threshold:g}" for threshold in dict.fromkeys(curves["threshold"]))
    handles = [Line2D([], [], label=f"threshold {thresholds}", **THRESHOLD)]
    if marks:
        handles.append(Line2D([], [], color="0.45", marker="o", label="$t_\\mathrm{gen}$ of a seed", **MARK))
    if curves.groupby("arm")["seed"].nunique().max() > 1:
        handles.append(Line2D([], [], label="single seed", **SINGLE_SEED))
        handles.append(Line2D([], [], color="0.45", linewidth=1.5, label="median of the seeds"))
    return handles


def threshold_sentence(outcomes: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Return the caption's sentence on threshold and t_gen."""
    thresholds = ", ".join(f"{threshold:g}" for threshold in dict.fromkeys(curves["threshold"]))
    if curves["test"].isna().all():
        return f"Dotted: the threshold, {thresholds}. There is no test set, so no network has a t_gen."
    trained = outcomes["status"] == "done"
    without = ""
    for words, networks in (
        ("never generalised", trained & outcomes["t_gen"].isna()),
        ("not trained", ~trained),
    ):
        for arm, n in outcomes[networks].groupby("arm", sort=False).size().items():
            without += f"; {arm_label(str(arm))}: {n} {words}"
    return f"Dotted: the threshold, {thresholds}; markers: t_gen of each seed{without}."
