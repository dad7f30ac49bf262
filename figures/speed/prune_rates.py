"""Figure `prune_rates`: tau and curves of tickets over their sparsity."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd

from analyses.speed.schema import ARMS, DOSES
from figures.drawing.censored_points import bound_handle
from figures.drawing.figure_spec import TableKey
from figures.drawing.grokking_curves import GrokkingCurves, curve_panel
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, table_styles
from figures.speed.tau_by_sparsity import median_handle, tau_by_sparsity

RECIPE = "m_prune_rates"


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw tau over sparsity, then accuracy curves."""
    doses, arms = (tables[RECIPE, table] for table in (DOSES, ARMS))
    networks = GrokkingCurves.of(tables, RECIPE)
    shown = networks.shown
    figure, axes = plt.subplots(1, 3, figsize=(DOUBLE, 2.9))
    drawing = Drawing(figure)
    tau = "No series of sparsities, so there is no τ"
    handles = networks.handles()
    if len(doses):
        tau = tau_by_sparsity(drawing, axes[0], {DOSES: doses, ARMS: arms}, table_styles(arms))
        handles.append(median_handle())
        handles += [bound_handle()] if (doses["tau_bound"] != "=").any() else []
    for ax, part in zip(axes[1:], ("train", "test"), strict=True):
        curve_panel(drawing, ax, part, shown, part)
        ax.set(title=f"{part} accuracy", ylabel="accuracy")
    networks.mark_t_gen(drawing, axes[2], "t_gen")
    letter(axes)
    arm_legend(figure, shown)
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    drawing.caption = (
        f"(a) {tau}; hollow, with an arrow: bounds by networks that never generalised. (b, c) "
        f"{seeds_and_centre(shown, 'median')} {networks.sentence()}"
    )
    return drawing
