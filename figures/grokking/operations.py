"""Figure `operations`: dense network and ticket on other modular operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.lines import Line2D

from analyses.tables.labels import arm_label
from figures.drawing.figure_spec import TableKey
from figures.drawing.grokking_curves import GrokkingCurves, curve_panel
from figures.drawing.recorded_figure import Drawing, letter, seeds_and_centre
from figures.drawing.style import DOUBLE, ROLES, step_axis, table_styles

LABELS = {"dense": "dense network", "ticket": "its grokked ticket"}
TRAIN: dict[str, Any] = {"linestyle": "--", "linewidth": 0.9}


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw curves in a panel per operation."""
    networks = GrokkingCurves.of(tables, "m_ops")
    shown = networks.shown
    operation_of = {arm: _operation(arm) for arm in dict.fromkeys(shown["arm"])}
    operations = list(dict.fromkeys(operation_of.values()))
    figure, axes = plt.subplots(
        2, (len(operations) + 1) // 2, figsize=(DOUBLE, 4.6), sharey=True, squeeze=False
    )
    drawing = Drawing(figure)
    for ax, operation in zip(axes.flat, operations, strict=False):
        panel_curves = shown[shown["arm"].map(operation_of) == operation]
        styles = table_styles(panel_curves)
        for arm, style in styles.items():
            middle = networks.median_curve(arm, "train")
            look = TRAIN | {"color": style["color"]}
            drawing.line(ax, f"{operation} train", arm, middle.index, middle, seed="median", **look)
        curve_panel(drawing, ax, f"{operation} test", panel_curves, "test", styles)
        networks.mark_t_gen(drawing, ax, f"{operation} t_gen", styles)
        step_axis(ax, shown["step"])
        ax.set_title(operation)
    for ax in axes.flat[len(operations) :]:
        ax.remove()
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy")
    letter(list(axes.flat[: len(operations)]))
    handles = [Line2D([], [], color=ROLES[role][0], label=label) for role, label in LABELS.items()]
    handles.append(Line2D([], [], color="0.45", label="on the examples trained on", **TRAIN))
    handles += networks.handles()
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    drawing.caption = (
        f"Test accuracy on other modular operations. {seeds_and_centre(shown, 'median')} Dashed: median on "
        f"the examples trained on. {networks.sentence()}"
    )
    return drawing


def _operation(arm: str) -> str:
    """Return an arm's operation in words: its label before the comma."""
    return arm_label(arm).rpartition(",")[0]
