"""Figure `no_decay`: tickets without weight decay, by sparsity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.grokking.schema import OUTCOMES
from analyses.tables.roles import arms_with_role
from figures.drawing.figure_spec import TableKey
from figures.drawing.grokking_curves import GrokkingCurves, curve_panel
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, table_styles

RECIPE = "m_no_wd"
MEDIAN: dict[str, Any] = {"color": "0.45", "linewidth": 0.9}
CRITICAL: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": "--"}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw last test accuracy over sparsity, and test curves."""
    networks = GrokkingCurves.of(tables, RECIPE)
    shown = networks.shown
    figure, axes = plt.subplots(
        1, 2, figsize=(DOUBLE, 3), sharey=True, gridspec_kw={"width_ratios": [1, 1.3]}
    )
    drawing = Drawing(figure)
    critical = _by_sparsity(drawing, axes[0], tables[RECIPE, OUTCOMES])
    curve_panel(drawing, axes[1], "test", shown, "test")
    drawing.level(axes[0], "sparsity", "threshold", float(shown["threshold"].iloc[0]))
    axes[0].set(title="test accuracy at the end", xlabel="sparsity", ylabel="accuracy", xlim=(-0.05, 1))
    networks.mark_t_gen(drawing, axes[1], "t_gen")
    axes[1].set_title("test accuracy")
    letter(axes)
    arm_legend(figure, shown)
    handles = [
        Line2D([], [], label="median of the tickets", **MEDIAN),
        Line2D([], [], label="largest sparsity at which most tickets generalise", **CRITICAL),
        *networks.handles(),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    drawing.caption = (
        f"Only the first dense network has weight decay. (a) Every seed when its training ended, line: "
        f"median of the tickets; the dense networks have sparsity 0. {critical} "
        f"(b) {seeds_and_centre(shown, 'median')} {networks.sentence()}"
    )
    return drawing


def _by_sparsity(drawing: Drawing, ax: Axes, outcomes: pd.DataFrame) -> str:
    """Draw last accuracies over sparsity; return the caption's sentence."""
    done = outcomes[outcomes["status"] == "done"]
    tickets = done[done["arm"].isin(arms_with_role(done, "ticket"))].groupby("sparsity")
    middle = tickets["test_acc"].median()
    drawing.line(ax, "sparsity", "tickets", middle.index, middle, seed="median", **MEDIAN)
    for arm, style in table_styles(done).items():
        arm_rows = done[done["arm"] == arm]
        look = {"linestyle": "none", "color": style["color"], "marker": style["marker"], "markersize": 4}
        drawing.line(ax, "sparsity", arm, arm_rows["sparsity"], arm_rows["test_acc"], **look)
    generalised = tickets["t_gen"].agg(["count", "size"])
    most = generalised[2 * generalised["count"] > generalised["size"]]
    if most.empty:
        return "At no sparsity did more than half of the tickets generalise."
    critical = float(most.index.max())
    ax.axvline(critical, zorder=0, **CRITICAL)
    ax.annotate(f"{critical:g}", (critical, 0.5), xytext=(-3, 0), textcoords="offset points", ha="right")
    drawing.note("sparsity", "critical", x=critical)
    reached, of = most.loc[critical]
    failing = generalised.index[2 * generalised["count"] <= generalised["size"]]
    below = ", ".join(f"{sparsity:g}" for sparsity in failing if sparsity < critical)
    return (
        f"Dashed: the largest sparsity at which more than half of the seeds generalised, {critical:g} "
        f"({reached} of {of}){f'; not so at the smaller {below}' if below else ''}."
    )
