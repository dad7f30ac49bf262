"""Figure `neurons`: input weights of single neurons from start to end."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from analyses.snapshots.schema import MAPS, MOMENTS, NEURONS
from analyses.tables.labels import arm_label
from analyses.tables.roles import compared_arms
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, share_y_limits
from figures.snapshots.weight_panels import (
    Tables,
    clearest_neurons,
    draw_weights_and_cosine,
    fit_words,
    landmark_rows,
    network_words,
    neuron_rows,
    points_and_cosine_legend,
)

LANDMARKS = ("start", "memorised", "end")


def draw(tables: Tables, *, neurons: int) -> Drawing:
    """Draw a row per neuron, a column per arm and landmark.

    Parameters
    ----------
    neurons : int
        Number of neurons.
    """
    moments, table = tables[MOMENTS], tables[NEURONS]
    arms = compared_arms(moments)
    chosen = clearest_neurons(tables, arms[-1], neurons)
    figure = plt.figure(figsize=(DOUBLE, 1.1 + 1.05 * len(chosen)))
    drawing = Drawing(figure)
    columns: dict[str, list[Axes]] = {}
    tops = []
    for arm, part in zip(arms, figure.subfigures(1, len(arms), squeeze=False)[0], strict=True):
        part.suptitle(f"{arm_label(arm)}: input weights, with test accuracy")
        part.supxlabel("k × residue mod p (all panels)", fontsize=8)
        landmarks = landmark_rows(tables, arm, LANDMARKS)
        axes = part.subplots(len(chosen), len(landmarks), sharex=True, squeeze=False)
        for line, neuron in zip(axes, chosen, strict=True):
            cosines = table[(table["arm"] == arm) & (table["map"] == "input")]
            cosines = cosines[cosines["neuron"] == neuron].set_index("step")
            for ax, row in zip(line, landmarks, strict=True):
                cosine = cosines.loc[row["step"]]
                weights = neuron_rows(tables, MAPS, arm, "input", row["step"], [neuron])[0]
                panel = f"{arm} {row['moment']}"
                draw_weights_and_cosine(drawing, ax, panel, f"neuron {neuron}", weights, cosine)
                ax.set_title(fit_words(cosine), loc="right", fontsize=7)
                columns.setdefault(row["moment"], []).append(ax)
            line[0].set_ylabel(f"neuron {neuron}\nk = {cosine['frequency']}")
        for ax, row in zip(axes[0], landmarks, strict=True):
            accuracy = "" if pd.isna(row["test_acc"]) else f"\ntest {row['test_acc']:.2f}"
            ax.set_title(f"{row['moment']}\nstep {row['step']:,}{accuracy}\n", fontsize=7)
        tops += list(axes[0])
    for panels in columns.values():
        share_y_limits(panels)
    points_and_cosine_legend(figure)
    letter(tops)
    drawing.caption = (
        f"Input weights of {len(chosen)} neurons, a row each, the same in every column: those of largest "
        f"amplitude with different frequencies at the end of {arm_label(arms[-1])}. "
        "Columns: the first checkpoint, the first at or after train accuracy .95, the last, with their "
        "test accuracy. Points: one per residue, in the order in which the neuron's last cosine turns "
        "once. Line: the cosine of that frequency k in the weights of the panel, and the share of their "
        "variance it explains. Panels of one landmark have one scale, in both networks. "
        f"{network_words(moments, arms)}"
    )
    return drawing
