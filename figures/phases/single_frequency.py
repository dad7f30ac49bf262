"""Figure `single_frequency`: phases and amplitudes of neurons of one frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analyses.phases.schema import NEURONS
from figures.drawing.figure_spec import TableKey
from figures.drawing.recorded_figure import Drawing, letter, without_jumps
from figures.drawing.style import DOUBLE, linear_steps, plain_log

ACTIVATIONS = {"h_quad_single_freq": "x²", "h_relu_single_freq": "ReLU"}
"""Activation function by recipe."""
COLORS = ("#3f90da", "#ffa90e", "#bd1f01", "#832db6")
"""Colours of the neurons that are followed through all panels of a row."""
OTHER_NEURONS: dict[str, Any] = {"color": "0.75", "linewidth": 0.5}
INPUT: Any = "-"
OUTPUT: Any = (0, (2, 1))


def draw(tables: Mapping[TableKey, pd.DataFrame]) -> Drawing:
    """Draw misalignments, phases and amplitudes, a row per activation function."""
    figure, axes = plt.subplots(2, 3, figsize=(DOUBLE, 4.5))
    drawing = Drawing(figure)
    networks = []
    for row, (recipe, activation) in zip(axes, ACTIVATIONS.items(), strict=True):
        neurons, network = _of_one_frequency(tables[recipe, NEURONS])
        networks.append(f"{activation}: {network}")
        _row(drawing, row, activation, neurons)
    letter(list(axes.flat))
    handles = [
        Line2D([], [], color="0.3", linestyle=INPUT, label="2φ, twice the input phase; input amplitude α"),
        Line2D([], [], color="0.3", linestyle=OUTPUT, label="output phase ψ; output amplitude β"),
        Line2D([], [], label="other neurons (left panels only)", **OTHER_NEURONS),
        Line2D([], [], color=COLORS[0], linewidth=1.2, label=f"each colour: one of {len(COLORS)} neurons"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    drawing.caption = (
        "Neurons that begin with one frequency each: all those of one frequency of one network "
        f"({'; '.join(networks)}). Left: misalignment D = 2φ − ψ of each. Coloured: {len(COLORS)} neurons "
        "whose |D| at the start is evenly spaced, in one colour in all panels of a row. Middle: their "
        "phases. Right: their amplitudes."
    )
    return drawing


def _of_one_frequency(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return one network's neurons of one initial frequency.

    The frequency is that of the first neuron. The text names frequency, number of neurons and seed.
    """
    first = table.iloc[0]
    network = table[(table["arm"] == first["arm"]) & (table["seed"] == first["seed"])]
    start = network[network["step"] == network["step"].min()]
    same = start.loc[start["frequency"] == first["frequency"], "neuron"]
    described = f"frequency {first['frequency']}, n = {len(same)} neurons, seed {first['seed']}"
    return network[network["neuron"].isin(same)], described


def _row(drawing: Drawing, row: Sequence[Axes], activation: str, neurons: pd.DataFrame) -> None:
    """Draw one activation function's panels."""
    followed = dict(zip(_evenly_misaligned(neurons), COLORS, strict=False))
    misaligned, phases, amplitudes = row
    for neuron in neurons["neuron"].unique().tolist():
        curves = neurons[neurons["neuron"] == neuron]
        look = OTHER_NEURONS
        if neuron in followed:
            look = {"color": followed[neuron], "linewidth": 1.2, "zorder": 3}
            twice = np.angle(np.exp(2j * curves["input_phase"].to_numpy()))
            angles = {"2φ": without_jumps(twice), "ψ": without_jumps(curves["output_phase"])}
            _input_and_output(drawing, phases, f"{activation}: phases", neuron, curves["step"], angles, look)
            sizes = {"α": curves["input_amplitude"], "β": curves["output_amplitude"]}
            _input_and_output(
                drawing, amplitudes, f"{activation}: amplitudes", neuron, curves["step"], sizes, look
            )
        D = without_jumps(curves["D"])
        drawing.line(misaligned, f"{activation}: misalignment", f"neuron {neuron}", curves["step"], D, **look)
    for ax, title in zip(row, ("D = 2φ − ψ (rad)", "phases (rad)", "amplitudes"), strict=True):
        ax.set_title(f"{activation}: {title}")
        linear_steps(ax)
        ax.set_xlim(0, neurons["step"].max() * 1.02)
    for ax in (misaligned, phases):
        ax.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
        ax.set_ylim(-1.05 * np.pi, 1.05 * np.pi)
    plain_log(amplitudes)


def _input_and_output(
    drawing: Drawing,
    ax: Axes,
    panel: str,
    neuron: int,
    step: pd.Series,
    curves: Mapping[str, Any],
    look: dict[str, Any],
) -> None:
    """Draw a neuron's input curve solid, its output dashed."""
    for (name, y), dash in zip(curves.items(), (INPUT, OUTPUT), strict=True):
        drawing.line(ax, panel, f"neuron {neuron}, {name}", step, y, linestyle=dash, **look)


def _evenly_misaligned(neurons: pd.DataFrame) -> list[int]:
    """Return neurons whose |D| at the start is evenly spaced."""
    start = neurons[neurons["step"] == neurons["step"].min()].sort_values("D", key=np.abs)
    inner = (np.arange(len(COLORS)) + 0.5) / len(COLORS) * len(start)
    return start["neuron"].iloc[np.unique(inner.astype(int))].tolist()
