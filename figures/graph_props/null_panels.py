"""One statistic of masks over training, beside its nulls; the panels that both graph figures are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from figures.drawing.recorded_figure import Drawing
from figures.drawing.style import arm_styles, line_style, step_axis

NULLS: dict[str, tuple[str, str, Any]] = {
    "density": ("null: same densities", "#832db6", (0, (1, 1))),
    "degree": ("null: same degrees", "#a96b59", (0, (4, 1.5))),
}


def value_panel(drawing: Drawing, ax: Axes, panel: str, own: pd.DataFrame, steps: pd.Series) -> None:
    """The statistic of dense masks over steps with both nulls; pruned arms as markers to the right.

    `own` holds one statistic in one place. Nulls: mean over seeds, band ± 2 standard deviations.
    """
    dense = own[own["dense"]]
    seeds = dense["seed"].nunique()
    for kind, (_, color, dash) in NULLS.items():
        null = _over_seeds(dense, f"{kind}_mean", seeds)
        spread = 2 * _over_seeds(dense, f"{kind}_sd", seeds).reindex(null.index).fillna(0)
        low, high = null - spread, null + spread
        drawing.band(ax, panel, f"{kind} null", null.index, low, high, color=color, alpha=0.25, linewidth=0)
        look = {"color": color, "linestyle": dash, "linewidth": 1.0}
        drawing.line(ax, panel, f"{kind} null", null.index, null, seed="mean", **look)
    if len(dense):
        drawing.arms(ax, panel, dense, "value")
    _markers(drawing, ax, panel, own[~own["dense"]], steps)
    _steps(ax, steps)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def z_panel(drawing: Drawing, ax: Axes, panel: str, own: pd.DataFrame, steps: pd.Series) -> None:
    """The z of dense masks against both nulls over steps, mean over seeds; grey: |z| below 2."""
    dense = own[own["dense"]]
    ax.axhspan(-2, 2, color="0.9", linewidth=0, zorder=0)
    for kind, (_, color, dash) in NULLS.items():
        for seed, curve in dense.groupby("seed"):
            look = {"color": color, "linewidth": 0.5, "alpha": 0.5, "marker": ".", "markersize": 0.8}
            drawing.line(ax, panel, f"{kind} z", curve["step"], curve[f"{kind}_z"], seed=seed, **look)
        mean = _over_seeds(dense, f"{kind}_z", dense["seed"].nunique())
        look = {"color": color, "linestyle": dash, "linewidth": 1.2}
        drawing.line(ax, panel, f"{kind} z", mean.index, mean, seed="mean", **look)
    ax.set_yscale("symlog", linthresh=10, linscale=1)
    ax.yaxis.set_major_locator(FixedLocator([-1000, -100, -10, 0, 10, 100, 1000]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda z, _: f"{z:g}".replace("-", "−")))
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -12), max(high, 12))
    _steps(ax, steps)


def legend(figure: Figure, table: pd.DataFrame, with_nulls: bool) -> None:
    """One legend above: dense masks, the markers of the pruned arms, the nulls."""
    handles: list[Line2D] = []
    pruned = set(table.loc[~table["dense"], "arm"])
    for arm, style in arm_styles(list(dict.fromkeys(table["arm"]))).items():
        marker = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "markersize": 4}
        handles.append(
            Line2D([], [], label=style["label"], **marker)
            if arm in pruned
            else Line2D([], [], **line_style(style))
        )
    for label, color, dash in NULLS.values() if with_nulls else ():
        handles.append(Line2D([], [], color=color, linestyle=dash, linewidth=1.0, label=label))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))


def caption(table: pd.DataFrame, what: str) -> str:
    """What both figures' captions share."""
    n = int(table["density_n"].max())
    seeds = ", ".join(
        f"{style['label']} n = {table.loc[table['arm'] == arm, 'seed'].nunique()}"
        for arm, style in arm_styles(list(dict.fromkeys(table["arm"]))).items()
    )
    nulls = (
        f"Nulls: {n} random masks of each dense mask's layer densities (dotted) and unit degrees (dashed), "
        f"mean over seeds, band ± 2 standard deviations. Rows of z: (value − null mean) / null standard "
        f"deviation of the dense masks, thin: seeds, bold: mean; grey: |z| < 2; nothing where the null does "
        f"not vary. "
    )
    return (
        f"{what} Black: magnitude masks of the dense network at each checkpoint, thin: seeds, bold: their "
        f"mean where all have a value; markers at the right: masks of the pruned arms, one per seed "
        f"({seeds}). {nulls if n else 'Nulls were not computed.'}"
    )


def _markers(drawing: Drawing, ax: Axes, panel: str, pruned: pd.DataFrame, steps: pd.Series) -> None:
    for place, (arm, style) in enumerate(arm_styles(list(dict.fromkeys(pruned["arm"]))).items(), start=1):
        own = pruned[pruned["arm"] == arm]
        x = np.full(len(own), float(steps.max()) * 1.75**place)
        look = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "markersize": 3}
        ax.plot(x, own["value"], **look)
        drawing.note(panel, arm, x=own["step"], y=own["value"])


def _steps(ax: Axes, steps: pd.Series) -> None:
    step_axis(ax, steps, narrow=True)
    ax.set_xlim(0, steps.max() * 12)


def _over_seeds(dense: pd.DataFrame, column: str, seeds: int) -> pd.Series:
    """Mean over seeds at the steps where all of them have a number."""
    grouped = dense.dropna(subset=column).groupby("step")[column].agg(["mean", "size"])
    return grouped.loc[grouped["size"] == seeds, "mean"]
