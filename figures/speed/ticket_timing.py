"""When to take the ticket: its test accuracy at fixed steps beside its source's where the mask was taken."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, MARKERS, Styles, arm_styles
from figures.grokking.accuracy_curves import curve_panel, thin

TABLES = (
    "m_timing/speed_sources",
    "m_timing/speed_fixed_steps",
    "m_timing/speed_correlations",
    "m_timing/grokking_curves",
)


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """The curves above; below, at each fixed step, a mark per ticket and seed."""
    sources, accuracies, correlations, curves = (tables[name] for name in TABLES)
    shown = thin(curves)
    marks = sources.merge(accuracies, on=["arm", "seed"]).dropna(subset=["source_acc", "test_acc"])
    styles = arm_styles(list(dict.fromkeys(sources["arm"])))
    steps = sorted(accuracies["step"].unique())
    figure = plt.figure(figsize=(DOUBLE, 4.6))
    grid = figure.add_gridspec(2, len(steps))
    above = figure.add_subplot(grid[0, :])
    axes = [figure.add_subplot(grid[1, place]) for place in range(len(steps))]
    drawing = Drawing(figure)
    curve_panel(drawing, above, "test", shown, "test")
    above.set(title="test accuracy", ylabel="accuracy")
    for ax, step in zip(axes, steps, strict=True):
        rho = correlations[correlations["step"] == step]
        _tickets(drawing, ax, f"step {step}", marks[marks["step"] == step], styles, rho)
        ax.set_title(f"tickets at step {step:,}")
        ax.label_outer()
    axes[0].set_ylabel("accuracy of the ticket")
    if len(marks):
        axes[0].legend(loc="upper left", handletextpad=0.1, borderpad=0)
    letter([above, *axes])
    arm_legend(figure, shown)
    drawing.caption = (
        f"(a) {seeds_and_centre(shown, 'median')} Dotted: the threshold. Then, at fixed steps, a mark per "
        f"ticket: its test accuracy over that of the dense network at the step its mask was taken at; ρ: "
        f"Spearman's rank correlation of all seeds' tickets, and within each seed."
    )
    return drawing


def _tickets(
    drawing: Drawing, ax: Axes, panel: str, marks: pd.DataFrame, styles: Styles, rho: pd.DataFrame
) -> None:
    """A colour per ticket as in the curves, a marker per seed."""
    for marker, (seed, own) in zip("o" + MARKERS, marks.groupby("seed"), strict=False):
        look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": 4, "markeredgewidth": 0}
        for arm, at in own.groupby("arm"):
            look["color"] = styles[str(arm)]["color"]
            drawing.line(ax, panel, str(arm), at["source_acc"], at["test_acc"], seed=seed, **look)
        ax.plot([], [], **look | {"color": "0.4"}, label=f"seed {seed}")
    rho = rho.dropna(subset="spearman")
    pooled, by_seed = rho[rho["seed"].isna()], rho[rho["seed"].notna()]
    said = "".join(f"ρ = {value:.2f}" for value in pooled["spearman"])
    if len(by_seed):
        said += f"\nby seed {', '.join(f'{value:.2f}' for value in by_seed['spearman'])}"
    ax.text(0.97, 0.04, said, transform=ax.transAxes, ha="right", va="bottom", fontsize=7)
    for name, values in (("pooled", pooled), ("by seed", by_seed)):
        drawing.note(f"{panel} Spearman", name, x=values["n"], value=values["spearman"])
    ax.set(xlabel="accuracy of its source", xlim=(-0.05, 1.05), ylim=(-0.05, 1.05))
