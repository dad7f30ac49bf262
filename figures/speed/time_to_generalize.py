"""Speed: which networks have not generalised yet, ratios of t_gen to a reference, tau by sparsity."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.censored_points import plain_numbers, points, tau_by_sparsity
from figures.drawing.recorded_figure import Drawing, arm_legend, counted, letter
from figures.drawing.style import DOUBLE, Styles, arm_styles, line_style, step_axis

TABLES = ("", "_pairs", "_arms", "_doses", "_survival")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Survival curves; where the run has them, ratios to a reference, and tau of every sparsity."""
    ratios, pairs, arms, doses = (tables[name] for name in TABLES[:4])
    if len(pairs):
        ratios, pairs = (t[(t["role"] == "reference") & (t["quantity"] == "t_gen")] for t in (ratios, pairs))
        ratios = ratios[ratios["n"] > 0]
    else:
        ratios = pairs
    size = (DOUBLE, max(2.7, 1.4 + 0.17 * len(arms)))
    figure, axes = plt.subplots(1, 1 + (len(ratios) > 0) + (len(doses) > 0), figsize=size, squeeze=False)
    drawing, free, styles = Drawing(figure), list(axes[0]), arm_styles(list(arms["arm"]))
    drawing.caption = _survival(drawing, free.pop(0), tables["_survival"], arms, styles)
    if len(ratios):
        drawing.caption += _ratios(drawing, free.pop(0), ratios, pairs, styles)
    if len(doses):
        drawing.caption += f" {tau_by_sparsity(drawing, free.pop(0), doses, arms, styles)}; bounds as before."
    letter(axes[0])
    arm_legend(figure, arms)
    return drawing


def _survival(drawing: Drawing, ax: Axes, curves: pd.DataFrame, arms: pd.DataFrame, styles: Styles) -> str:
    for arm, style in styles.items():
        own = curves[curves["arm"] == arm]
        look = line_style(style) | {"drawstyle": "steps-post"}
        drawing.line(ax, "survival", arm, own["step"], own["share"], **look)
        ended = own[own["n_censored"] > 0]
        look = {"linestyle": "none", "marker": "|", "markersize": 7, "color": style["color"]}
        drawing.line(ax, "stopped before", arm, ended["step"], ended["share"], **look)
    ax.set(title="not generalised yet", ylabel="share of networks", ylim=(-0.03, 1.06))
    first = curves.loc[curves["step"] > 0, "step"].min()
    step_axis(ax, [10 ** int(np.log10(first)), int(curves["step"].max())])
    n = counted(dict(zip(arms["arm"], arms["n"], strict=True)))
    return f"Share of networks that have not generalised yet (Kaplan–Meier; bars: stopped before; {n})."


def _ratios(drawing: Drawing, ax: Axes, ratios: pd.DataFrame, pairs: pd.DataFrame, styles: Styles) -> str:
    """A row per arm: the mean and its interval, below them the seeds."""
    ratios = ratios.sort_values("arm", key=lambda arms: arms.map(list(styles).index), kind="stable")
    for place, (_, row) in enumerate(ratios.iterrows()):
        arm, bound, style = row["arm"], row["ratio_bound"], styles[row["arm"]]
        own, look = pairs[pairs["arm"] == arm], {"color": style["color"], "markersize": 2.5, "alpha": 0.5}
        for of, seeds in own.groupby("ratio_bound"):
            at = [place + 0.25] * len(seeds)
            points(drawing, ax, "ratio", arm, seeds["ratio"], at, str(of), (6, 0), marker="o", **look)
        if pd.notna(row["low"]):
            ax.hlines(place, row["low"], row["high"], color=style["color"], linewidth=1)
            drawing.note("interval", arm, y=place, low=row["low"], high=row["high"])
        if isinstance(bound, str):
            look = {"marker": style["marker"], "color": style["color"], "markersize": 3.5}
            points(drawing, ax, "mean ratio", arm, [row["ratio"]], [place], bound, (11, 0), **look)
    ax.axvline(1, color="0.8", linewidth=0.6, zorder=0)
    ax.set_yticks(range(len(ratios)), [styles[arm]["label"] for arm in ratios["arm"]])
    ax.set(xscale="log", ylim=(len(ratios) - 0.5, -0.5), xlabel="ratio")
    ax.margins(x=0.12)
    plain_numbers(ax.xaxis)
    references = set(ratios["numerator"])
    said = styles[references.pop()]["label"] if len(references) == 1 else "reference"
    ax.set_title(f"$t_\\mathrm{{gen}}$: {said} / arm")
    return (
        f" Ratio of t_gen, {said} over arm: geometric mean over pairs of one seed (at most n = "
        f"{ratios['n'].max()}) with its 95 % BCa bootstrap interval; pale: single seeds; hollow, with an "
        f"arrow: bounds by networks that never generalised."
    )
