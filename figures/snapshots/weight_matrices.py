"""Figures `matrices` and `masks_as_pictures`: weight matrices and what masks leave of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from analyses.snapshots.schema import MATRICES
from analyses.tables.labels import arm_label, layer_label
from analyses.tables.roles import arms_with_role, compared_arms
from figures.drawing.recorded_figure import Drawing, letter
from figures.drawing.style import DOUBLE
from figures.snapshots.weight_panels import (
    PRUNED,
    Tables,
    last_cosines,
    network_words,
    signed_bar,
    signed_heat,
)

UNITS = {"W_E": "residue", "W_in": "neuron", "W_out": "neuron", "W_U": "residue"}
"""Matrices that are drawn, and the units that the picture's rows belong to."""
TRANSPOSED = ("W_in", "W_U")
"""Matrices whose columns belong to these units."""
MOST_COLUMNS = 100
QUANTILE = 0.98
"""Share of the kept weights that are within the colour scale."""


def draw(tables: Tables) -> Drawing:
    """Draw a row per matrix between residues and neurons, a column per arm."""
    table = tables[MATRICES]
    arms = compared_arms(table)
    leader = arms[-1]
    arms = [*arms, *_matched_control(table, arms)]
    layers = [name for name in dict.fromkeys(table["layer"]) if _kind(name) in UNITS]
    size = (DOUBLE, 0.9 + 1.45 * len(layers))
    figure, axes = plt.subplots(len(layers), len(arms), figsize=size, squeeze=False)
    drawing = Drawing(figure)
    has_embedding = "W_E" in map(_kind, layers)
    for layer, line in zip(layers, axes, strict=True):
        kind = _kind(layer)
        of_layer = table[table["layer"] == layer]
        matrices = {arm: _matrix(of_layer[of_layer["arm"] == arm], kind) for arm in arms}
        y = units = np.arange(len(matrices[leader]))
        if UNITS[kind] == "neuron":
            order = last_cosines(tables, leader)
            units = order.index[order["followed"]].to_numpy()
            y = np.arange(1, len(units) + 1)
        columns = _columns(matrices[leader]) if has_embedding else np.arange(matrices[leader].shape[1])
        scale = _scale(matrices)
        for ax, (arm, matrix) in zip(line, matrices.items(), strict=True):
            seed = of_layer["seed"].iloc[0]
            part = matrix[np.ix_(units, columns)]
            mesh = signed_heat(drawing, ax, layer, arm, seed, y, part, scale)
            head = f"{arm_label(arm)}\n" if layer == layers[0] else ""
            ax.set_title(f"{head}{np.isfinite(matrix).mean():.0%} kept, scale {scale:.2g}")
            ax.invert_yaxis()
            ax.tick_params(labelbottom=not has_embedding, bottom=not has_embedding, labelleft=ax is line[0])
            ax.set_xlabel("units, most kept weights first" if has_embedding else "residue")
        line[0].set_ylabel(f"{layer_label(layer)}, {UNITS[kind]}")
    signed_bar(figure, mesh, list(axes.ravel()))
    figure.legend(handles=[Patch(color=PRUNED, label="pruned")], loc="outside upper right")
    letter(list(axes.ravel()))
    columns_are = (
        f"the units on the matrix' other side, by how many of their weights {arm_label(leader)} keeps, most "
        f"on the left, of more than {MOST_COLUMNS} evenly some"
        if has_embedding
        else "residues"
    )
    drawing.caption = (
        "Weights at the last checkpoint; grey: pruned. Rows of a picture: residues, or neurons by the "
        f"frequency and phase of their last input weights in {arm_label(leader)}. Columns: {columns_are}; "
        f"the same in every arm. Scale: {QUANTILE:.0%} of the matrix' kept weights of all arms do not exceed "
        f"it. {network_words(table, arms)}"
    )
    return drawing


def _matched_control(table: pd.DataFrame, arms: Sequence[str]) -> list[str]:
    """Return a further control: with the last arm's layer densities, if there is one."""
    ticket = arms[-1]
    masks = {arm: rows["kept"].to_numpy() for arm, rows in table.groupby("arm", sort=False)}
    densities = table.groupby(["arm", "layer"], sort=False)["kept"].mean()
    controls = [arm for arm in arms_with_role(table, "control") if arm not in arms]
    matched = [
        arm
        for arm in controls
        if densities[arm].equals(densities[ticket]) and not np.array_equal(masks[arm], masks[ticket])
    ]
    return (matched or controls)[:1]


def _kind(layer: str) -> str:
    """Return a matrix' name without its path."""
    return layer.rpartition(".")[2]


def _matrix(weights: pd.DataFrame, kind: str) -> np.ndarray:
    """Return the units' rows of a matrix, NaN where pruned."""
    values = weights["weight"].where(weights["kept"]).to_numpy(dtype=np.float64)
    matrix = values.reshape(weights["row"].nunique(), weights["column"].nunique())
    return matrix.T if kind in TRANSPOSED else matrix


def _scale(matrices: Mapping[str, np.ndarray]) -> float:
    """Return the magnitude that few kept weights of all arms exceed."""
    weights = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices.values()])
    return float(np.quantile(np.abs(weights), QUANTILE)) if weights.size else 0.0


def _columns(matrix: np.ndarray) -> np.ndarray:
    """Return the columns by number of kept weights; evenly spaced ones of many."""
    order = np.argsort(-np.isfinite(matrix).sum(axis=0), kind="stable")
    return order[np.linspace(0, len(order) - 1, min(len(order), MOST_COLUMNS)).round().astype(int)]
