"""Tickets without weight decay: how far each sparsity goes, and the largest at which most generalise."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles
from figures.grokking.accuracy_curves import crossings, curve_panel, thin, threshold_words

TABLES = ("m_no_wd/grokking", "m_no_wd/grokking_curves")


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Accuracy at the end over sparsity on the left, with the search's probes; the curves on the right."""
    outcomes, curves = (tables[name] for name in TABLES)
    shown = thin(curves)
    figure, axes = plt.subplots(
        1, 2, figsize=(DOUBLE, 2.5), sharey=True, gridspec_kw={"width_ratios": [1, 1.3]}
    )
    drawing = Drawing(figure)
    critical = _by_sparsity(drawing, axes[0], outcomes)
    drawing.level(axes[0], "sparsity", "threshold", float(shown["threshold"].iloc[0]))
    axes[0].set(title="test accuracy at the end", xlabel="sparsity", ylabel="accuracy", xlim=(-0.05, 1))
    curve_panel(drawing, axes[1], "test", shown, "test")
    crossings(drawing, axes[1], "t_gen", outcomes, shown)
    axes[1].set_title("test accuracy")
    letter(axes)
    arm_legend(figure, shown)
    drawing.caption = (
        f"Only the first dense network has weight decay. (a) Every seed when its training ended, line: "
        f"median of the tickets; the dense networks have sparsity 0. {critical} "
        f"(b) {seeds_and_centre(shown, 'median')} {threshold_words(outcomes, shown)}"
    )
    return drawing


def _by_sparsity(drawing: Drawing, ax: Axes, outcomes: pd.DataFrame) -> str:
    done = outcomes[outcomes["status"] == "done"]
    tickets = done[done["sparsity"] > 0].groupby("sparsity")
    middle = tickets["test_acc"].median()
    line = {"color": "0.45", "linewidth": 0.9}
    drawing.line(ax, "sparsity", "tickets", middle.index, middle, seed="median", **line)
    for arm, style in arm_styles(list(dict.fromkeys(done["arm"]))).items():
        own = done[done["arm"] == arm]
        look = {"linestyle": "none", "color": style["color"], "marker": style["marker"], "markersize": 4}
        drawing.line(ax, "sparsity", arm, own["sparsity"], own["test_acc"], **look)
    generalised = tickets["t_gen"].agg(["count", "size"])
    most = generalised[2 * generalised["count"] > generalised["size"]]
    if most.empty:
        return "At no sparsity did more than half of the tickets generalise."
    critical = float(most.index.max())
    ax.axvline(critical, color="0.45", linewidth=0.8, linestyle="--", zorder=0)
    ax.annotate(f"{critical:g}", (critical, 1.02), xytext=(-2, 0), textcoords="offset points", ha="right")
    drawing.note("sparsity", "critical", x=critical)
    reached, of = most.loc[critical]
    failing = generalised.index[2 * generalised["count"] <= generalised["size"]]
    below = ", ".join(f"{sparsity:g}" for sparsity in failing if sparsity < critical)
    return (
        f"Dashed: the largest sparsity at which more than half of the seeds generalised, {critical:g} "
        f"({reached} of {of}){f'; not so at the smaller {below}' if below else ''}."
    )
