"""Figure `ticket_timing`: tickets by the step of their mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analyses.speed.schema import CORRELATIONS, FIXED_STEPS, SOURCES
from figures.drawing.figure_spec import TableKey
from figures.drawing.grokking_curves import GrokkingCurves, curve_panel
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, MARKERS, Styles, table_styles

RECIPE = "m_timing"


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw test curves; tickets against sources at fixed steps."""
    sources, accuracies, correlations = (
        tables[RECIPE, table] for table in (SOURCES, FIXED_STEPS, CORRELATIONS)
    )
    networks = GrokkingCurves.of(tables, RECIPE)
    shown = networks.shown
    accuracies = accuracies[["arm", "seed", "step", "test_acc"]]
    marks = sources.merge(accuracies, on=["arm", "seed"]).dropna(subset=["source_acc", "test_acc"])
    styles = table_styles(shown)
    steps = sorted(accuracies["step"].unique())
    figure = plt.figure(figsize=(DOUBLE, 4.8))
    grid = figure.add_gridspec(2, len(steps))
    above = figure.add_subplot(grid[0, :])
    axes = [figure.add_subplot(grid[1, place]) for place in range(len(steps))]
    drawing = Drawing(figure)
    curve_panel(drawing, above, "test", shown, "test")
    above.set(title="test accuracy", ylabel="accuracy")
    above.legend(handles=networks.handles(marks=False), loc="upper left")
    for ax, step in zip(axes, steps, strict=True):
        of_step = correlations[correlations["step"] == step]
        _tickets(drawing, ax, f"step {step}", marks[marks["step"] == step], styles, of_step)
        ax.set_title(f"tickets at step {step:,}")
    axes[0].set_ylabel("accuracy of the ticket")
    if marks["seed"].nunique() > 1:
        axes[0].legend(loc="upper left", handletextpad=0.1, borderpad=0)
    letter([above, *axes])
    arm_legend(figure, shown)
    drawing.caption = (
        f"(a) {seeds_and_centre(shown, 'median')} Dotted: the threshold. Then, at fixed steps, a mark per "
        f"ticket: its test accuracy over that of its source, the dense network, at the step of the mask; ρ: "
        f"Spearman's rank correlation of all seeds' tickets, and within each seed."
    )
    return drawing


def _tickets(
    drawing: Drawing, ax: Axes, panel: str, marks: pd.DataFrame, styles: Styles, correlations: pd.DataFrame
) -> None:
    """Draw a mark per ticket and seed."""
    for marker, (seed, tickets) in zip("o" + MARKERS, marks.groupby("seed"), strict=False):
        look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 4, "markeredgewidth": 0}
        for arm, at in tickets.groupby("arm"):
            look["color"] = styles[str(arm)]["color"]
            drawing.line(ax, panel, str(arm), at["source_acc"], at["test_acc"], seed=seed, **look)
        ax.plot([], [], **look | {"color": "0.4"}, label=f"seed {seed}")
    defined = correlations.dropna(subset="spearman")
    pooled, by_seed = defined[defined["seed"].isna()], defined[defined["seed"].notna()]
    text = "".join(f"Spearman's ρ = {value:.2f}" for value in pooled["spearman"])
    if len(by_seed) and correlations["seed"].nunique() > 1:  # of a single seed it is the pooled one
        text += f"\nby seed {', '.join(f'{value:.2f}' for value in by_seed['spearman'])}"
    ax.text(0.97, 0.04, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=7)
    for name, values in (("pooled", pooled), ("by seed", by_seed)):
        drawing.note(f"{panel} Spearman", name, x=values["n"], value=values["spearman"])
    ax.set(xlabel="accuracy of its source at the mask", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
