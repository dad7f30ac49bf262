"""Figure `grokking`: train and test accuracy, with t_gen."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd

from analyses.grokking.schema import CURVES, OUTCOMES
from figures.drawing.figure_spec import TableKey
from figures.drawing.grokking_curves import GrokkingCurves, curve_panel
from figures.drawing.recorded_figure import Drawing, arm_legend, letter, seeds_and_centre
from figures.drawing.style import DOUBLE


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw training curves left and test curves right."""
    outcomes, curves = tables[OUTCOMES], tables[CURVES]
    judged_by = str(curves["judged_by"].iloc[0])
    curves = curves[curves["judged_by"] == judged_by]
    networks = GrokkingCurves(outcomes, curves)
    shown = networks.shown
    figure, axes = plt.subplots(1, 2, figsize=(DOUBLE, 2.8), sharey=True)
    drawing = Drawing(figure)
    for ax, part in zip(axes, ("train", "test"), strict=True):
        curve_panel(drawing, ax, part, shown, part)
        ax.set_title(f"{part} {judged_by}")
    networks.mark_t_gen(drawing, axes[1], "t_gen")
    axes[0].set_ylabel(judged_by)
    letter(axes)
    arm_legend(figure, shown)
    figure.legend(handles=networks.handles(), loc="outside lower center", ncols=4)
    drawing.caption = (
        f"{judged_by.capitalize()} on the examples trained on and on the others. "
        f"{seeds_and_centre(shown, 'median')} {networks.sentence()} "
        f"Evaluations are thinned for drawing to {shown['step'].nunique()} steps, evenly spaced in the "
        f"logarithm."
    )
    return drawing
