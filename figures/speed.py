"""Speed: which networks have not generalised yet, ratios of t_gen to a reference, tau by sparsity."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from figures.drawing import Drawing, arm_legend, letter
from figures.style import DOUBLE, arm_styles, line_style, step_axis

TABLES = ("", "_pairs", "_arms", "_doses", "_survival")
Styles = dict[str, dict[str, Any]]


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
        drawing.caption += _doses(drawing, free.pop(0), doses, arms, styles)
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
    n = ", ".join(f"{styles[arm]['label']} n = {n}" for arm, n in zip(arms["arm"], arms["n"], strict=True))
    return f"Share of networks that have not generalised yet (Kaplan–Meier; bars: stopped before; {n})."


def _ratios(drawing: Drawing, ax: Axes, ratios: pd.DataFrame, pairs: pd.DataFrame, styles: Styles) -> str:
    """A row per arm: the mean and its interval, below them the seeds."""
    for place, (_, row) in enumerate(ratios.iterrows()):
        arm, bound, style = row["arm"], row["ratio_bound"], styles[row["arm"]]
        own, look = pairs[pairs["arm"] == arm], {"color": style["color"], "markersize": 2.5, "alpha": 0.5}
        for of, seeds in own.groupby("ratio_bound"):
            at = [place + 0.25] * len(seeds)
            _points(drawing, ax, "ratio", arm, seeds["ratio"], at, str(of), (6, 0), marker="o", **look)
        if pd.notna(row["low"]):
            ax.hlines(place, row["low"], row["high"], color=style["color"], linewidth=1)
            drawing.note("interval", arm, y=place, low=row["low"], high=row["high"])
        if isinstance(bound, str):
            look = {"marker": style["marker"], "color": style["color"], "markersize": 3.5}
            _points(drawing, ax, "mean ratio", arm, [row["ratio"]], [place], bound, (11, 0), **look)
    ax.axvline(1, color="0.8", linewidth=0.6, zorder=0)
    ax.set_yticks(range(len(ratios)), [styles[arm]["label"] for arm in ratios["arm"]])
    ax.set(xscale="log", ylim=(len(ratios) - 0.5, -0.5), xlabel="ratio")
    ax.margins(x=0.12)
    _plain(ax.xaxis)
    references = set(ratios["numerator"])
    said = styles[references.pop()]["label"] if len(references) == 1 else "reference"
    ax.set_title(f"$t_\\mathrm{{gen}}$: {said} / arm")
    return (
        f" Ratio of t_gen, {said} over arm: geometric mean over pairs of one seed (at most n = "
        f"{ratios['n'].max()}) with its 95 % BCa bootstrap interval; pale: single seeds; hollow, with an "
        f"arrow: bounds by networks that never generalised."
    )


def _doses(drawing: Drawing, ax: Axes, doses: pd.DataFrame, arms: pd.DataFrame, styles: Styles) -> str:
    """A column per arm: its seeds; a line through the medians of every series."""
    medians = arms.loc[arms["tau_median_bound"] == "=", ["arm", "tau_median"]]
    for (method, _), series in doses.groupby(["method", "reference"], sort=False, dropna=False):
        own = series[["arm", "sparsity"]].drop_duplicates().merge(medians, on="arm")
        line = {"color": "0.45", "linewidth": 0.9, "linestyle": ":"}
        drawing.line(ax, "median tau", str(method), own["sparsity"], own["tau_median"], seed="median", **line)
    for arm, style in styles.items():
        own = doses[doses["arm"] == arm].drop_duplicates("seed")  # a reference stands in every series
        look = {"color": style["color"], "marker": style["marker"], "markersize": 4}
        for bound, seeds in own.groupby("tau_bound"):
            _points(drawing, ax, "tau", arm, seeds["sparsity"], seeds["tau"], str(bound), (0, 11), **look)
    ax.set(yscale="log", xlabel="sparsity", xlim=(-0.05, 1.02))
    ax.set_title("$\\tau = t_\\mathrm{gen}$ / $t_\\mathrm{mem}$")
    ax.margins(y=0.12)
    _plain(ax.yaxis)
    return " τ of single seeds over the share of weights pruned, dotted: medians; bounds as before."


def _points(
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
    """Points; where only a bound is known hollow, with an arrow of this length (in points, for ">")."""
    fill = {"markeredgewidth": 0} if bound == "=" else {"markerfacecolor": "white", "markeredgewidth": 0.7}
    drawing.line(ax, f"{panel} {bound}", series, x, y, linestyle="none", **(look | fill))
    way = {"=": 0, ">": 1, "<": -1}[bound]
    line = {"arrowstyle": "<-", "color": look["color"], "alpha": look.get("alpha", 1), "shrinkA": 0}
    for at in zip(x, y, strict=True) if way else ():
        away = (way * arrow[0], way * arrow[1])
        ax.annotate(
            "", at, away, textcoords="offset points", arrowprops=line | {"shrinkB": 2, "linewidth": 0.8}
        )


def _plain(axis: Axis) -> None:
    """Plain numbers on a logarithmic axis, also if it spans less than a power of ten."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
