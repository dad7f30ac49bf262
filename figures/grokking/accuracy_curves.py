"""Grokking: train and test accuracy of every arm, with the steps at which each generalised."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles, step_axis
from training.runs.log_spacing import thinned

TABLES = ("", "_curves")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """The training curve on the left, the test curve on the right, on one logarithmic step axis."""
    outcomes, curves = tables[""], tables["_curves"]
    judged_by = str(curves["judged_by"].iloc[0])
    shown = thin(curves[curves["judged_by"] == judged_by])
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 2.5), sharey=True)
    drawing = Drawing(figure)
    for ax, part in zip(axes, ("train", "test"), strict=True):
        curve_panel(drawing, ax, part, shown, part)
        ax.set_title(f"{part} {judged_by}")
    crossings(drawing, axes[1], "t_gen", outcomes, shown)
    axes[0].set_ylabel(judged_by)
    letter(axes)
    arm_legend(figure, shown)
    drawing.caption = (
        f"{judged_by.capitalize()} on the examples trained on and on the others. "
        f"{seeds_and_centre(shown, 'median')} {threshold_words(outcomes, shown)} "
        f"Evaluations are thinned for drawing to {shown['step'].nunique()} steps, evenly spaced in the "
        f"logarithm."
    )
    return drawing


def thin(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves at steps evenly spaced in the logarithm, as many as can be told apart."""
    steps = pd.Series(sorted(set(curves["step"])))
    return curves[curves["step"].isin(steps.iloc[thinned(steps.to_numpy())])]


def curve_panel(drawing: Drawing, ax: Axes, panel: str, curves: pd.DataFrame, part: str) -> None:
    """What every arm is judged by, over steps, on one part of the data, "train" or "test"."""
    drawing.arms(ax, panel, curves, part, centre="median")
    drawing.level(ax, panel, "threshold", float(curves["threshold"].iloc[0]))
    if curves["judged_by"].iloc[0] == "accuracy":
        ax.set_ylim(-0.02, 1.09)
    else:
        ax.set_yscale("log")
    step_axis(ax, curves["step"])


def crossings(drawing: Drawing, ax: Axes, panel: str, outcomes: pd.DataFrame, curves: pd.DataFrame) -> None:
    """A marker on the threshold wherever a seed generalised."""
    threshold = float(curves["threshold"].iloc[0])
    for arm, style in arm_styles(list(dict.fromkeys(outcomes["arm"]))).items():
        own = outcomes[(outcomes["arm"] == arm) & outcomes["t_gen"].notna()]
        look = {"linestyle": "none", "marker": style["marker"], "markersize": 5, "markeredgecolor": "white"}
        look |= {"color": style["color"], "markeredgewidth": 0.4, "zorder": 5}
        if len(own):
            drawing.line(ax, panel, arm, own["t_gen"], [threshold] * len(own), **look)


def threshold_words(outcomes: pd.DataFrame, curves: pd.DataFrame) -> str:
    """The sentence of a caption about the threshold, the markers on it, and who never got there."""
    trained = outcomes["status"] == "done"
    said = ""
    for words, those in (("never", trained & outcomes["t_gen"].isna()), ("not trained", ~trained)):
        n = outcomes[those].groupby("arm", sort=False).size()
        for arm, style in arm_styles(list(n.index)).items():
            said += f"; {style['label']}: {n[arm]} {words}"
    return f"Dotted: the threshold, {curves['threshold'].iloc[0]:g}; markers: t_gen of each seed{said}."
