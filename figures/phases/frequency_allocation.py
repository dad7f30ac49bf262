"""Figure `magnitudes`: neurons per frequency, and their amplitudes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analyses.phases.schema import GROUPS, MEANS, NEURONS
from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, Styles, line_style, step_axis, table_styles

MOST_ARMS = 4
"""Largest number of arms whose neurons per frequency are shown."""
SIDES = (
    ("input", "α", "input_amplitude", "cv_input_amplitude"),
    ("output", "β", "output_amplitude", "cv_output_amplitude"),
)
"""Name and letter of each side's amplitude, its column, the column of its variation."""
EQUAL_USE: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": ":"}
RANGE: dict[str, Any] = {"color": "0.25", "linewidth": 0.8}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw counts, sorted amplitudes, and their variation over steps."""
    means, neurons, groups = tables[MEANS], _last(tables[NEURONS]), _last(tables[GROUPS])
    styles = table_styles(means)
    arms = list(styles)
    figure = plt.figure(figsize=(DOUBLE, 3.8))
    grid = figure.add_gridspec(2, 3)
    drawing = Drawing(figure)
    n_panels = min(len(arms), MOST_ARMS)
    counts = grid[:, 0].subgridspec(n_panels, 1).subplots(sharex=True, sharey=True, squeeze=False).ravel()
    _counts(drawing, counts, groups, {arm: styles[arm] for arm in arms[:MOST_ARMS]})
    sides, variations = [], []
    for row, (side, symbol, column, variation_column) in enumerate(SIDES):
        amplitudes, variation = (figure.add_subplot(grid[row, place]) for place in (1, 2))
        _sorted(drawing, amplitudes, neurons, column, styles)
        amplitudes.set(title=f"{side} amplitude {symbol}", xlim=(0, 1), ylim=(0, None), ylabel=symbol)
        amplitudes.set_xlabel("share of neurons, ascending")
        drawing.arms(variation, f"variation {side}", means, variation_column)
        variation.set(title=f"variation of {symbol}", ylabel="SD / mean")
        step_axis(variation, means["step"], narrow=True)
        sides += [amplitudes, variation]
        variations.append(variation)
    top = max(variation.get_ylim()[1] for variation in variations)
    for variation in variations:
        variation.set_ylim(0, top)
    letter([*counts, *sides])
    arm_legend(figure, means, _handles(several_seeds=means["seed"].nunique() > 1))
    drawing.caption = (
        "Left: live neurons of each input frequency at the last checkpoint, mean over seeds and their "
        f"range{f', the first {MOST_ARMS} of {len(arms)} arms' if len(arms) > MOST_ARMS else ''}; dotted: "
        "equal use of all frequencies. Middle: amplitudes of the live neurons at that frequency, in "
        "ascending order; thin: seeds, bold: all seeds' neurons together. Right: standard deviation over "
        f"neurons / mean; 0: all equal. {seeds_and_centre(means)}"
    )
    return drawing


def _last(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each network's last checkpoint."""
    return table[table["step"] == table.groupby(["arm", "seed"])["step"].transform("max")]


def _counts(drawing: Drawing, axes: np.ndarray, groups: pd.DataFrame, styles: Styles) -> None:
    """Draw neurons per frequency, a panel per arm."""
    K = int(groups["frequency"].max())
    for ax, (arm, style) in zip(axes, styles.items(), strict=True):
        by_seed = groups[groups["arm"] == arm].pivot(index="frequency", columns="seed", values="n_neurons")
        by_seed = by_seed.reindex(range(1, K + 1)).fillna(0)
        frequency, low, high = by_seed.index, by_seed.min(axis=1), by_seed.max(axis=1)
        ax.bar(frequency, by_seed.mean(axis=1), width=0.7, color=style["color"], alpha=0.8)
        drawing.note("counts", arm, "mean", x=frequency, y=by_seed.mean(axis=1))
        ax.vlines(frequency, low, high, **RANGE)
        drawing.note("counts range", arm, x=frequency, low=low, high=high)
        drawing.level(ax, "counts", f"{arm}, an even share", by_seed.mean(axis=1).sum() / K, **EQUAL_USE)
        ax.set(title=arm_label(arm), ylabel="neurons")
    axes[-1].set_ylim(0, 1.05 * axes[-1].get_ylim()[1])
    axes[-1].xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes[-1].set_xlabel("frequency k" if len(axes) == 1 else "frequency k (panels above too)")


def _sorted(drawing: Drawing, ax: Axes, neurons: pd.DataFrame, column: str, styles: Styles) -> None:
    """Draw amplitudes in ascending order, by seed and pooled."""
    for arm, style in styles.items():
        live = neurons[neurons["arm"] == arm].dropna(subset="D")
        seeds = list(live.groupby("seed"))
        for seed, part in [*(seeds if len(seeds) > 1 else []), ("all", live)]:
            amplitude = np.sort(part[column].to_numpy())
            rank = (np.arange(len(amplitude)) + 0.5) / max(len(amplitude), 1)
            drawing.line(ax, column, arm, rank, amplitude, seed=seed, **line_style(style, seed=seed != "all"))


def _handles(several_seeds: bool) -> list[Line2D]:
    equal_use = Line2D([], [], label="equal use of all frequencies", **EQUAL_USE)
    seeds = Line2D([], [], label="range of seeds", linestyle="none", marker="|", markersize=7, color="0.25")
    return [equal_use, seeds] if several_seeds else [equal_use]
