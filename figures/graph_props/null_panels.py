"""Panels of one statistic of masks over training, with its random masks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from analyses.graph_props.schema import PROPERTIES
from analyses.tables.labels import arm_label
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, counted, letter, shared_x_label
from figures.drawing.style import DOUBLE, Styles, line_style, share_y_limits, step_axis, table_styles

NULLS: dict[str, tuple[str, str, Any]] = {
    "density": ("random masks of equal densities", "#832db6", (0, (1, 1))),
    "degree": ("random masks of equal degrees", "#a96b59", (0, (4, 1.5))),
}
"""Label, colour and line style of each kind of random masks."""
GREY = "0.9"
"""Colour where |z| is below 2."""


@dataclass(frozen=True)
class PanelRow:
    """Row of panels, all of values or all of z."""

    label: str
    is_z: bool
    cells: Sequence[tuple[str, str, str]]
    """Column `where`, column `statistic` and title of each panel."""
    equal_scale: bool
    """True: the panels show one quantity, and have one y axis."""


def draw_rows(table: pd.DataFrame, rows: Sequence[PanelRow], words: str) -> Drawing:
    """Draw rows of panels under one legend.

    Parameters
    ----------
    table : DataFrame
        Rows of `PROPERTIES` in the places that are shown.
    words : str
        First sentences of the caption.
    """
    size = (DOUBLE, 0.8 + 1.4 * len(rows))
    figure, axes = plt.subplots(len(rows), len(rows[0].cells), figsize=size, squeeze=False)
    drawing = Drawing(figure)
    styles = table_styles(table)
    reference = _reference(table)
    for row, line in zip(rows, axes, strict=True):
        for ax, (where, statistic, title) in zip(line, row.cells, strict=True):
            panel_rows = table[(table["where"] == where) & (table["statistic"] == statistic)]
            panel = f"{where} {statistic} {'z' if row.is_z else 'value'}"
            of_reference = panel_rows[panel_rows["dense"] & (panel_rows["arm"] == reference)]
            if row.is_z:
                _z_panel(drawing, ax, panel, of_reference)
            else:
                _value_panel(drawing, ax, panel, panel_rows, of_reference, styles)
            step_axis(ax, table["step"], narrow=True)
            ax.set_title(title)
        if row.equal_scale:
            share_y_limits(line)
            for ax in line[1:]:
                ax.tick_params(labelleft=False)
        line[0].set_ylabel(row.label)
    letter(list(axes.ravel()))
    shared_x_label(figure, axes.ravel(), "step")
    has_nulls = any(row.is_z for row in rows)
    _legend(figure, table, styles, has_nulls)
    drawing.caption = f"{words} {_caption(table, reference, has_nulls)}"
    return drawing


def has_random_masks(tables: Mapping[TableKey, pd.DataFrame]) -> bool:
    """Return True if masks of an unpruned network were compared with random masks."""
    properties = tables[PROPERTIES]
    return bool((properties["dense"] & (properties["density_n"] > 0)).any())


def _reference(table: pd.DataFrame) -> str:
    """Return the arm whose masks are compared with random masks; empty without dense masks."""
    dense = table[table["dense"]]
    of_role = dense[dense["arm_role"] == "dense"]
    return main_arm(of_role if len(of_role) else dense) if len(dense) else ""


def _value_panel(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    rows: pd.DataFrame,
    of_reference: pd.DataFrame,
    styles: Styles,
) -> None:
    """Draw a statistic of dense and random masks, pruned arms at the right."""
    n_seeds = of_reference["seed"].nunique()
    for kind, (_, color, dash) in NULLS.items():
        null = _over_seeds(of_reference, f"{kind}_mean", n_seeds)
        spread = 2 * _over_seeds(of_reference, f"{kind}_sd", n_seeds).reindex(null.index).fillna(0)
        low, high = null - spread, null + spread
        drawing.band(ax, panel, f"{kind} null", null.index, low, high, color=color, alpha=0.25, linewidth=0)
        look = {"color": color, "linestyle": dash, "linewidth": 1.0}
        drawing.line(ax, panel, f"{kind} null", null.index, null, seed="mean", **look)
    dense = rows[rows["dense"]]
    if len(dense):
        drawing.arms(ax, panel, dense, "value", styles=styles)
    _pruned_strip(drawing, ax, panel, rows[~rows["dense"]], styles)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))


def _z_panel(drawing: Drawing, ax: Axes, panel: str, rows: pd.DataFrame) -> None:
    """Draw the z of dense masks over steps: seeds thin, their mean bold."""
    ax.axhspan(-2, 2, color=GREY, linewidth=0, zorder=0)
    n_seeds = rows["seed"].nunique()
    for kind, (_, color, dash) in NULLS.items():
        for seed, curve in rows.groupby("seed") if n_seeds > 1 else ():
            look = {"color": color, "linewidth": 0.5, "alpha": 0.5, "marker": ".", "markersize": 0.8}
            drawing.line(ax, panel, f"{kind} z", curve["step"], curve[f"{kind}_z"], seed=seed, **look)
        mean = _over_seeds(rows, f"{kind}_z", n_seeds)
        look = {"color": color, "linestyle": dash, "linewidth": 1.2}
        drawing.line(ax, panel, f"{kind} z", mean.index, mean, seed="mean", **look)
    ax.set_yscale("symlog", linthresh=10, linscale=1)
    ax.yaxis.set_major_locator(FixedLocator([-1000, -100, -10, 0, 10, 100, 1000]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda z, _: f"{z:g}".replace("-", "−")))
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, -12), max(high, 12))


def _pruned_strip(drawing: Drawing, ax: Axes, panel: str, pruned: pd.DataFrame, styles: Styles) -> None:
    """Draw the pruned arms' masks in a strip without steps, a column per arm.

    Their masks do not change, or only the last was measured.
    """
    arms = [arm for arm in styles if arm in set(pruned["arm"])]
    if not arms:
        return
    strip = ax.inset_axes((1.04, 0, min(0.05 + 0.07 * len(arms), 0.5), 1), sharey=ax)
    for place, arm in enumerate(arms):
        arm_rows, style = pruned[pruned["arm"] == arm], styles[arm]
        look = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "markersize": 3}
        strip.plot(np.full(len(arm_rows), place), arm_rows["value"], clip_on=False, **look)
        drawing.note(panel, arm, x=arm_rows["step"], y=arm_rows["value"])
    strip.set_xlim(-0.7, len(arms) - 0.3)
    strip.set_xticks([(len(arms) - 1) / 2], ["end"])
    strip.tick_params(left=False, labelleft=False, bottom=False)
    strip.spines["left"].set_visible(False)


def _over_seeds(rows: pd.DataFrame, column: str, n_seeds: int) -> pd.Series:
    """Return the mean over seeds, where all have a number."""
    by_step = rows.dropna(subset=column).groupby("step")[column].agg(["mean", "size"])
    return by_step.loc[by_step["size"] == n_seeds, "mean"]


def _legend(figure: Figure, table: pd.DataFrame, styles: Styles, has_nulls: bool) -> None:
    """Draw the legend above the panels."""
    handles: list[Artist] = []
    pruned = set(table.loc[~table["dense"], "arm"])
    for arm, style in styles.items():
        marker = {"color": style["color"], "marker": style["marker"], "linestyle": "none", "markersize": 4}
        handles.append(
            Line2D([], [], label=style["label"], **marker)
            if arm in pruned
            else Line2D([], [], **line_style(style))
        )
    for label, color, dash in NULLS.values() if has_nulls else ():
        handles.append(Line2D([], [], color=color, linestyle=dash, linewidth=1.0, label=label))
    if has_nulls:
        handles.append(
            Patch(color=NULLS["density"][1], alpha=0.25, linewidth=0, label="± 2 standard deviations")
        )
        handles.append(Patch(color=GREY, label="|z| below 2"))
    columns = min(len(handles), 4)
    rows = math.ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + 0.14 * (rows - 1))
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)


def _caption(table: pd.DataFrame, reference: str, has_nulls: bool) -> str:
    """Return the caption's sentences on networks and random masks."""
    n = {arm: rows["seed"].nunique() for arm, rows in table.groupby("arm", sort=False)}
    dense = list(dict.fromkeys(table.loc[table["dense"], "arm"]))
    words = f"Networks: {counted(n)}."
    if dense:
        words = (
            f"Curves: magnitude masks at each checkpoint of {', '.join(map(arm_label, dense))}, thin: seeds, "
            f"bold: their mean where all have a value. {words}"
        )
    if len(dense) < len(n):
        words += " Markers at the right: last masks of the pruned arms, one per seed."
    if not has_nulls:
        return f"{words} Random masks are not drawn: they were not computed, or no network is unpruned."
    n_density, n_degree = int(table["density_n"].max()), int(table["degree_n"].max())
    return (
        f"{words} Random masks: {n_density} of the layer densities (dotted) and {n_degree} of the unit "
        f"degrees (dashed) of each mask of {arm_label(reference)}; their mean over seeds, band ± 2 standard "
        "deviations. Rows of z: (value − mean of the random masks) / their standard deviation, thin: seeds, "
        "bold: mean; grey: |z| below 2; nothing where the random masks do not vary."
    )
