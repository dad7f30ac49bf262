"""Periodicity of single neurons: input weights at the start, when memorised and at the end."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd

from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles
from figures.snapshots.weight_panels import (
    clearest,
    cosine_panel,
    explained,
    moments_of,
    rows,
    shown_arms,
    whose,
)

TABLES = ("", "_neurons", "_maps")
MOMENTS = ("start", "memorised", "end")
N_NEURONS = 3


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A row per neuron, a column per moment, the arms beside one another."""
    moments, neurons, maps = tables[""], tables["_neurons"], tables["_maps"]
    arms = shown_arms(moments)
    chosen = clearest(neurons, arms[-1], N_NEURONS)
    figure = plt.figure(figsize=(DOUBLE, 0.9 + 1.05 * len(chosen)))
    drawing = Drawing(figure)
    tops = []
    for arm, part in zip(arms, figure.subfigures(1, len(arms), squeeze=False)[0], strict=True):
        label = arm_styles([arm])[arm]["label"]
        part.suptitle(f"{label}: input weights")
        part.supxlabel("frequency × residue mod p", fontsize=8)
        shown = moments_of(moments, arm, MOMENTS)
        axes = part.subplots(len(chosen), len(shown), sharex=True, squeeze=False)
        for line, neuron in zip(axes, chosen, strict=True):
            own = neurons[(neurons["arm"] == arm) & (neurons["map"] == "input")]
            own = own[own["neuron"] == neuron].set_index("step")
            for ax, row in zip(line, shown, strict=True):
                cosine = own.loc[row["step"]]
                weights = rows(maps, arm, "input", row["step"], [neuron])[0]
                cosine_panel(drawing, ax, f"{arm} {row['moment']}", f"neuron {neuron}", weights, cosine)
                ax.set_title(explained(cosine), loc="right", fontsize=7)
            line[0].set_ylabel(f"neuron {neuron}\nk = {cosine['frequency']}")
        for ax, row in zip(axes[0], shown, strict=True):
            accuracy = "" if pd.isna(row["test_acc"]) else f"\ntest {row['test_acc']:.2f}"
            ax.set_title(f"{row['moment']}\nstep {row['step']:,}{accuracy}\n")
        tops += list(axes[0])
    letter(tops)
    drawing.caption = (
        f"Input weights of {len(chosen)} neurons, a row each, the same in every column: those of largest "
        f"amplitude with different frequencies at the end of {arm_styles(arms)[arms[-1]]['label']}. "
        "Columns: the first checkpoint, the first at or after train accuracy .95, the last, with their "
        "test accuracy. Points: one per residue, in the order in which the neuron's last cosine turns "
        "once. Line: the cosine of that frequency k in the weights of the panel, and the share of their "
        f"variance it explains. Every panel has its own scale. {whose(moments, arms)}"
    )
    return drawing
