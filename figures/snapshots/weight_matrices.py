"""Weight matrices with their masks: the ticket beside the dense network and the shuffled control."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from analyses.tables.labels import layer_label
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE, arm_styles
from figures.snapshots.weight_panels import at_end, shown_arms, signed_bar, signed_heat, whose

TABLES = ("_neurons", "_matrices")
ARMS = ("dense", "grokked_ticket", "shuffled")
UNITS = {"W_E": "residue", "W_in": "neuron", "W_out": "neuron", "W_U": "residue"}
"""The matrices that are drawn, and the units that their rows in the picture belong to."""
TURNED = ("W_in", "W_U")
"""Those whose columns belong to these units."""
MOST_COLUMNS, TOP = 100, 0.98


def draw(tables: dict[str, pd.DataFrame]) -> Drawing:
    """A row per matrix between residues and neurons, a column per arm; pruned weights grey."""
    table, neurons = tables["_matrices"], tables["_neurons"]
    arms = shown_arms(table, ARMS)
    leader = arms[min(1, len(arms) - 1)]
    layers = [name for name in dict.fromkeys(table["layer"]) if name.rpartition(".")[2] in UNITS]
    size = (DOUBLE, 0.5 + 1.45 * len(layers))
    figure, axes = plt.subplots(len(layers), len(arms), figsize=size, squeeze=False)
    drawing = Drawing(figure)
    embedded = "W_E" in (name.rpartition(".")[2] for name in layers)
    for place, (layer, line) in enumerate(zip(layers, axes, strict=True)):
        kind = layer.rpartition(".")[2]
        own = table[table["layer"] == layer]
        of_leader = _matrix(own[own["arm"] == leader], kind)
        y = units = np.arange(len(of_leader))
        if UNITS[kind] == "neuron":
            order = at_end(neurons, leader)
            units = order.index[order["followed"]].to_numpy()
            y = np.arange(1, len(units) + 1)
        columns = _columns(of_leader) if embedded else np.arange(of_leader.shape[1])  # or these are residues
        for ax, arm in zip(line, arms, strict=True):
            matrix = _matrix(own[own["arm"] == arm], kind)
            kept = np.isfinite(matrix)
            top = float(np.quantile(np.abs(matrix[kept]), TOP)) if kept.any() else 0.0
            part, seed = matrix[np.ix_(units, columns)], own["seed"].iloc[0]
            mesh = signed_heat(drawing, ax, layer, arm, seed, y, part, top)
            head = f"{arm_styles([arm])[arm]['label']}\n" if place == 0 else ""
            ax.set_title(f"{head}{kept.mean():.0%} kept, max {top:.2g}")
            ax.invert_yaxis()
            ax.tick_params(labelbottom=False, labelleft=arm == arms[0])
        line[0].set_ylabel(f"{layer_label(layer)}, {UNITS[kind]}")
    signed_bar(figure, mesh, list(axes.ravel()))
    letter(list(axes.ravel()))
    label = arm_styles(arms)[leader]["label"]
    columns_are = (
        f"the units on the matrix' other side, by how many of their weights {label} keeps, most on the "
        f"left, of more than {MOST_COLUMNS} evenly some"
        if embedded
        else "residues"
    )
    drawing.caption = (
        "Weights at the last checkpoint; grey: pruned. Rows of a picture: residues, or neurons by the "
        f"frequency and phase of their last input weights in {label}. Columns: {columns_are}; the same in "
        f"every arm. Colours up to max, which {TOP:.0%} of the matrix' kept weights do not exceed. "
        f"{whose(table, arms)}"
    )
    return drawing


def _matrix(own: pd.DataFrame, kind: str) -> np.ndarray:
    """The units' rows, NaN where pruned."""
    weight = own["weight"].where(own["kept"]).to_numpy(dtype=np.float64)
    matrix = weight.reshape(own["row"].nunique(), own["column"].nunique())
    return matrix.T if kind in TURNED else matrix


def _columns(matrix: np.ndarray) -> np.ndarray:
    """Columns by the number of kept weights; evenly some of many."""
    order = np.argsort(-np.isfinite(matrix).sum(axis=0), kind="stable")
    return order[np.linspace(0, len(order) - 1, min(len(order), MOST_COLUMNS)).round().astype(int)]
