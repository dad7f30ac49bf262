"""Figure `stitching`: neurons read by other networks' output maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.stitching.schema import ALIKE, EARLY, OTHER_SEED, STITCHING
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, nearest_checkpoint
from analyses.tables.roles import main_arm
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, counted, letter
from figures.drawing.style import DOUBLE, Styles, line_style, step_axis, table_styles

ITSELF, PERMUTED = "itself", "permuted"
"""Series beside the arms and those of another seed: the network itself, neurons at random places."""
LOOKS: Mapping[str, dict[str, Any]] = {
    ITSELF: {"color": "#0f7f3f", "linestyle": (0, (2, 1.5)), "marker": "X"},
    OTHER_SEED: {"color": "#832db6", "linestyle": (0, (1, 1)), "marker": "D"},
    PERMUTED: {"color": "#a96b59", "linestyle": (0, (6, 1.5)), "marker": "P"},
}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw accuracies over steps under one output map, and matrices of neurons and output maps."""
    table = tables[STITCHING]
    table = table.assign(acc=table["test_acc"].fillna(table["all_acc"]))
    table = table[table["neurons"] == "all"]
    arm, reader = main_arm(table), str(table["reader"].iloc[0])
    series = _series(table, arm, reader)
    styles = _styles(table, arm)
    figure = plt.figure(figsize=(DOUBLE, 6.2))
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1))
    drawing = Drawing(figure)
    over_steps = figure.add_subplot(grid[0, :])
    drawing.arms(over_steps, "over training", series, "acc", centre="median", styles=styles)
    over_steps.set_title(f"neurons read by the last output map of the network '{arm_label(reader)}'")
    over_steps.set_ylabel("accuracy")
    over_steps.set_ylim(-0.03, 1.03)
    step_axis(over_steps, series["step"], label="step of the neurons")
    panels = [over_steps]
    last_maps = _under_last_maps(table)
    for place, (moment, rows) in enumerate(_moments(last_maps).items()):
        ax = figure.add_subplot(grid[1, place])
        _matrix(drawing, ax, moment, rows, arm, labelled=place == 0)
        ax.set_title(f"neurons {moment}")
        panels.append(ax)
    letter(panels)
    handles = [
        Line2D([], [], **line_style(style)) for name, style in styles.items() if name in set(series["arm"])
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    n = table[table["arm"] == arm]["seed"].nunique()
    drawing.caption = (
        f"(a) Accuracy on the test examples (on all, where these are unknown) if an arm's neurons at a step "
        f"are read by the output map that the network '{arm_label(reader)}' of its seed ends with, neuron i "
        f"at place i. Dashed: {arm_label(arm)} itself. Other seed: its neurons under the output map of the "
        f"next seed's network, matched by frequency and phase. Permuted: at random places. Thin: single "
        f"seeds; bold: their median where all seeds have a value ({_counts(series)}). (b, c) Neurons (rows) "
        f"under the last output map of every network (columns): median, lowest and highest of n = {n} seeds."
    )
    return drawing


def _under_last_maps(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose output map is its network's last."""
    last = table.groupby(["reader", "reader_seed"])["reader_step"].transform("max")
    return table[table["reader_step"] == last]


def _series(table: pd.DataFrame, arm: str, reader: str) -> pd.DataFrame:
    """Return the curves of panel (a), each under a name of its own in the column `arm`."""
    own = table[
        (table["start"] == "itself") & (table["reader_step"] == table["step"]) & (table["arm"] == arm)
    ]
    read = _under_last_maps(table[table["reader"] == reader])
    stitched = read[read["start"].isin(ALIKE) & (read["places"] == "place")]
    of_arm = read[read["arm"] == arm]
    parts = [
        stitched,
        own[own["places"] == "place"].assign(arm=ITSELF),
        of_arm[(of_arm["start"] == OTHER_SEED) & (of_arm["places"] == "wave")].assign(arm=OTHER_SEED),
        of_arm[of_arm["places"] == PERMUTED].assign(arm=PERMUTED),
    ]
    return pd.concat(parts, ignore_index=True)[["arm", "seed", "step", "acc"]]


def _styles(table: pd.DataFrame, arm: str) -> Styles:
    """Return the styles of arms, and of the series beside them."""
    styles = table_styles(table)
    name = arm_label(arm)
    return styles | {
        ITSELF: {"label": f"{name} itself"} | LOOKS[ITSELF],
        OTHER_SEED: {"label": f"{name}, other seed, matched"} | LOOKS[OTHER_SEED],
        PERMUTED: {"label": f"{name}, places permuted"} | LOOKS[PERMUTED],
    }


def _moments(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows near the early step, and at the last checkpoint."""
    _, last = first_and_last(rows)
    return {f"at step {EARLY}": nearest_checkpoint(rows, EARLY), "at the last checkpoint": last}


def _matrix(drawing: Drawing, ax: Axes, moment: str, rows: pd.DataFrame, arm: str, labelled: bool) -> None:
    """Draw medians over seeds: neurons of arms and controls, by output map."""
    readers = list(dict.fromkeys(rows["reader"]))
    arms = list(dict.fromkeys(rows["arm"]))
    of_arm = rows[rows["arm"] == arm]
    sources = {
        arm_label(name): rows[(rows["arm"] == name) & rows["start"].isin(ALIKE) & (rows["places"] == "place")]
        for name in arms
    }
    other = of_arm[of_arm["start"] == OTHER_SEED]
    sources |= {
        f"{arm_label(arm)}, other seed": other[other["places"] == "place"],
        f"{arm_label(arm)}, other seed, matched": other[other["places"] == "wave"],
        f"{arm_label(arm)}, permuted": of_arm[of_arm["places"] == PERMUTED],
    }
    by_reader = [chosen.groupby("reader")["acc"] for chosen in sources.values()]
    middle, low, high = (
        np.stack([group.agg(statistic).reindex(readers).to_numpy() for group in by_reader])
        for statistic in ("median", "min", "max")
    )
    y, x = range(1, len(sources) + 1), range(1, len(readers) + 1)
    drawing.heat(ax, moment, "median", "median", x, y, middle, vmin=0, vmax=1, cmap="Blues")
    at_y, at_x = np.meshgrid(y, x, indexing="ij")
    drawing.note(moment, "range", x=at_x.ravel(), y=at_y.ravel(), low=low.ravel(), high=high.ravel())
    for (row, column), value in np.ndenumerate(middle):
        if np.isfinite(value):
            look: dict[str, Any] = {"ha": "center", "color": "white" if value > 0.6 else "0.1"}
            has_range = rows["seed"].nunique() > 1
            ax.text(column + 1, row + 1 - 0.17 * has_range, _text(value), va="center", fontsize=7, **look)
            if has_range:
                words = f"{_text(float(low[row, column]))}–{_text(float(high[row, column]))}"
                ax.text(column + 1, row + 1.24, words, va="center", fontsize=5, **look)
    ax.set_xticks(x, [arm_label(name) for name in readers], rotation=25, ha="right")
    ax.set_yticks(y, list(sources) if labelled else [])
    ax.set_xlabel("output map of")
    if labelled:
        ax.set_ylabel("neurons of")
    ax.tick_params(length=0)
    ax.set_ylim(len(sources) + 0.5, 0.5)


def _text(value: float) -> str:
    """Return an accuracy with three decimals, without the zero before the point."""
    return f"{value:.3f}".removeprefix("0")


def _counts(series: pd.DataFrame) -> str:
    """Return the number of seeds of the curves."""
    return counted(series.groupby("arm", sort=False)["seed"].nunique().to_dict())
