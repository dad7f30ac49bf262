"""Neurons of one frequency through training, for x² and ReLU: phases align, then amplitudes grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.style import DOUBLE, linear_steps, plain_log

TABLES = ("h_quad_single_freq/phases_neurons", "h_relu_single_freq/phases_neurons")
ACTIVATIONS = dict(zip(TABLES, ("x²", "ReLU"), strict=True))
COLORS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6")
"""Of the neurons that are followed through all panels."""
INPUT: Any = "-"
OUTPUT: Any = (0, (2, 1))


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A row per activation: misalignments, phases and amplitudes of the neurons of one frequency."""
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.5))
    drawing = Drawing(figure)
    said = []
    for row, (table, activation) in zip(axes, ACTIVATIONS.items(), strict=True):
        neurons, words = _of_one_frequency(tables[table])
        said.append(f"{activation}: {words}")
        _row(drawing, row, activation, neurons)
    letter(list(axes.flat))
    meanings = {
        INPUT: "2φ, twice the input phase; input amplitude α",
        OUTPUT: "output phase ψ; output amplitude β",
    }
    handles = [Line2D([], [], color="0.3", linestyle=dash, label=label) for dash, label in meanings.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    drawing.caption = (
        f"Neurons that begin with one frequency each: all those of one frequency of one network "
        f"({'; '.join(said)}). Left: D = 2φ − ψ of each. Coloured: {len(COLORS)} whose |D| at the start is "
        f"evenly spaced, the same in a whole row. Middle: their phases. Right: their amplitudes."
    )
    return drawing


def _of_one_frequency(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The courses of the neurons that begin with the first neuron's frequency, in the first network."""
    first = table.iloc[0]
    own = table[(table["arm"] == first["arm"]) & (table["seed"] == first["seed"])]
    start = own[own["step"] == own["step"].min()]
    same = start.loc[start["frequency"] == first["frequency"], "neuron"]
    words = f"frequency {first['frequency']}, n = {len(same)} neurons, seed {first['seed']}"
    return own[own["neuron"].isin(same)], words


def _row(drawing: Drawing, row: Sequence[Axes], activation: str, neurons: pd.DataFrame) -> None:
    followed = dict(zip(_spread(neurons), COLORS, strict=False))
    misaligned, phases, amplitudes = row
    for neuron in neurons["neuron"].unique().tolist():
        own = neurons[neurons["neuron"] == neuron]
        look: dict[str, Any] = {"color": "0.75", "linewidth": 0.5}
        if neuron in followed:
            look = {"color": followed[neuron], "linewidth": 1.2, "zorder": 3}
            twice = np.angle(np.exp(2j * own["input_phase"].to_numpy()))
            angles = {"2φ": without_jumps(twice), "ψ": without_jumps(own["output_phase"])}
            _both(drawing, phases, f"{activation}: phases", neuron, own["step"], angles, look)
            sizes = {"α": own["input_amplitude"], "β": own["output_amplitude"]}
            _both(drawing, amplitudes, f"{activation}: amplitudes", neuron, own["step"], sizes, look)
        D = without_jumps(own["D"])
        drawing.line(misaligned, f"{activation}: misalignment", f"neuron {neuron}", own["step"], D, **look)
    for ax, title in zip(row, ("misalignment D (rad)", "phases (rad)", "amplitudes"), strict=True):
        ax.set_title(f"{activation}: {title}")
        linear_steps(ax)
        ax.set_xlim(0, neurons["step"].max() * 1.02)
    for ax in (misaligned, phases):
        ax.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        ax.set_ylim(-1.05 * np.pi, 1.05 * np.pi)
    plain_log(amplitudes)


def _both(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    neuron: int,
    step: pd.Series,
    curves: Mapping[str, Any],
    look: dict[str, Any],
) -> None:
    for (name, y), dash in zip(curves.items(), (INPUT, OUTPUT), strict=True):
        drawing.line(ax, panel, f"neuron {neuron}, {name}", step, y, linestyle=dash, **look)


def _spread(neurons: pd.DataFrame) -> list[int]:
    """Neurons whose |D| at the start is evenly spaced."""
    start = neurons[neurons["step"] == neurons["step"].min()].sort_values("D", key=np.abs)
    inner = (np.arange(len(COLORS)) + 0.5) / len(COLORS) * len(start)
    return start["neuron"].iloc[np.unique(inner.astype(int))].tolist()
