"""How much to prune: tau over the sparsity of grokked tickets, and their curves."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from figures.drawing.censored_points import tau_by_sparsity
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, arm_styles
from figures.grokking.accuracy_curves import crossings, curve_panel, thin, threshold_words

TABLES = (
    "m_prune_rates/speed_doses",
    "m_prune_rates/speed_arms",
    "m_prune_rates/grokking",
    "m_prune_rates/grokking_curves",
)


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Tau of every seed on the left, then accuracy on the examples trained on and on the others."""
    doses, arms, outcomes, curves = (tables[name] for name in TABLES)
    shown = thin(curves)
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 2.5))
    drawing = Drawing(figure)
    tau = "No network memorised, so there is no τ"
    if len(doses):
        tau = tau_by_sparsity(drawing, axes[0], doses, arms, arm_styles(list(arms["arm"])))
    for ax, part in zip(axes[1:], ("train", "test"), strict=True):
        curve_panel(drawing, ax, part, shown, part)
        ax.set_title(f"{part} accuracy")
    axes[1].set_ylabel("accuracy")
    crossings(drawing, axes[2], "t_gen", outcomes, shown)
    letter(axes)
    arm_legend(figure, shown)
    drawing.caption = (
        f"(a) {tau}; hollow, with an arrow: bounds by networks that never generalised. (b, c) "
        f"{seeds_and_centre(shown, 'median')} {threshold_words(outcomes, shown)}"
    )
    return drawing
