"""Grokking: train and test accuracy of every arm, with the steps at which each generalised."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from figures.drawing import Drawing, arm_legend, letter, seeds_and_centre
from figures.style import DOUBLE, arm_styles, step_axis
from training.log_steps import thinned

TABLES = ("", "_curves")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """The training curve on the left, the test curve on the right, on one logarithmic step axis."""
    outcomes, curves = tables[""], tables["_curves"]
    judged_by = str(curves["judged_by"].iloc[0])
    curves = curves[curves["judged_by"] == judged_by]
    threshold = float(curves["threshold"].iloc[0])
    steps = pd.Series(sorted(set(curves["step"])))
    kept = set(steps.iloc[thinned(steps.to_numpy())])
    shown = curves[curves["step"].isin(kept)]
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 2.5), sharey=True)
    drawing = Drawing(figure)
    for ax, name in zip(axes, ("train", "test"), strict=True):
        drawing.arms(ax, name, shown, name, centre="median")
        drawing.level(ax, name, "threshold", threshold)
        ax.set(title=f"{name} {judged_by}")
        if judged_by == "accuracy":
            ax.set_ylim(-0.02, 1.09)
        else:
            ax.set_yscale("log")
        step_axis(ax, shown["step"])
    for arm, style in arm_styles(list(dict.fromkeys(outcomes["arm"]))).items():
        own = outcomes[(outcomes["arm"] == arm) & outcomes["t_gen"].notna()]
        look = {"linestyle": "none", "marker": style["marker"], "markersize": 4, "markeredgecolor": "white"}
        look |= {"color": style["color"], "markeredgewidth": 0.5, "zorder": 5}
        if len(own):
            drawing.line(axes[1], "t_gen", arm, own["t_gen"], [threshold] * len(own), **look)
    axes[0].set_ylabel(judged_by)
    letter(axes)
    arm_legend(figure, shown)
    never = outcomes[outcomes["t_gen"].isna()].groupby("arm", sort=False).size()
    labels = {arm: style["label"] for arm, style in arm_styles(list(never.index)).items()}
    censored = "".join(f"; {labels[str(arm)]}: {n} never" for arm, n in never.items())
    drawing.caption = (
        f"{judged_by.capitalize()} on the examples trained on and on the others. "
        f"{seeds_and_centre(shown, 'median')} "
        f"Dotted: the threshold, {threshold:g}; markers: t_gen of each seed{censored}. "
        f"Evaluations are thinned for drawing to {len(kept)} steps, evenly spaced in the logarithm."
    )
    return drawing
