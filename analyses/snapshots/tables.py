"""Tables for pictures of one network: its neurons' maps, spectra and cosines, its matrices and its mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.landmark_checkpoints import moments
from analyses.loading.trained_network import Network
from analyses.tables.long_format import gather, long_table
from interp.mechanism.effective_weights import layer_matrices
from interp.spectra.fourier import amplitude_phase
from interp.spectra.weight_spectrum import mean_over_neurons, neuron_frequency
from training.architectures.registry import prunable
from training.runs.log_spacing import thinned

MOST_STEPS, MOST_NEURONS = 40, 64
"""Through training, of so many neurons at so many checkpoints; all neurons at a few moments."""


def network_tables(network: Network) -> dict[str, pd.DataFrame]:
    """All tables of one network, by suffix."""
    weights, metrics = network.weights(), network.metrics()
    maps = dict(zip(("input", "output"), network.maps(weights), strict=True))  # (T, m, p) each
    spectra = {name: amplitude_phase(W)[0] for name, W in maps.items()}  # (T, m, K)
    at = moments(network, metrics)
    of_interest = sorted(set(at.values()))  # two moments may share a checkpoint
    neurons = _neurons(network, of_interest, maps)
    _, m, p = maps["input"].shape
    followed = neurons["neuron"][neurons["followed"]].unique()
    kept = sorted({*thinned(network.steps, MOST_STEPS), *of_interest})
    pairs = np.array([(t, i) for t in kept for i in (range(m) if t in of_interest else followed)])
    return {
        "": _moments(network, at, maps, metrics),
        "_accuracy": _accuracy(network, metrics),
        "_neurons": neurons,
        "_maps": _rows(network, pairs, maps, range(p)),
        "_spectra": _rows(network, pairs, spectra, range(1, p // 2 + 1)),
        "_matrices": _matrices(network, weights),
    }


def neuron_order(frequency: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """The neurons by frequency, and by phase within one; the dead last."""
    return np.lexsort((phase, np.where(frequency == 0, np.inf, frequency)))


def _evenly(n: int, most: int) -> np.ndarray:
    """Places of at most so many of n entries, evenly spaced, ends included."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def _neurons(network: Network, places: list[int], maps: dict[str, np.ndarray]) -> pd.DataFrame:
    """At each of these checkpoints, the cosine in every neuron's weights that has its last frequency.

    `share`: how much of the weights' variance over the residues it explains. `place`: in the order of the
    last input cosines; `followed`: one of the evenly chosen neurons that the tables have at all checkpoints.
    """

    tables, order = [], np.empty(0)
    for name, W in maps.items():
        W = W[places]  # (t, m, p)
        frequency, _ = neuron_frequency(W[-1])
        amplitudes, phases = amplitude_phase(W)  # (t, m, K)
        amplitude, phase = (
            np.take_along_axis(x, np.maximum(frequency, 1)[None, :, None] - 1, axis=-1)[..., 0]
            for x in (amplitudes, phases)
        )
        with np.errstate(invalid="ignore"):  # a dead neuron has no share
            share = amplitude**2 / (amplitudes**2).sum(axis=-1)
        if name == "input":
            order = neuron_order(frequency, phase[-1])
        columns = {
            "place": np.argsort(order),
            "followed": np.isin(np.arange(len(order)), order[_evenly(len(order), MOST_NEURONS)]),
            "frequency": frequency,
            "amplitude": amplitude,
            "phase": phase,
            "constant": W.mean(axis=-1),
            "share": share,
        }
        axes = {"step": network.steps[places], "neuron": range(len(order))}
        table = long_table(network, axes, columns)
        table.insert(2, "map", name)
        tables.append(table)
    return gather(tables)


def _moments(
    network: Network, at: dict[str, int], maps: dict[str, np.ndarray], metrics: pd.DataFrame | None
) -> pd.DataFrame:
    """A row per moment: its step, the accuracies there, how well cosines fit."""

    places = list(at.values())
    step = network.steps[places]
    columns = {"step": step}
    for name in ("train_acc", "test_acc"):
        columns[name] = np.full(len(step), np.nan)
        if metrics is not None:
            last = np.searchsorted(metrics["step"], step, side="right") - 1
            columns[name] = metrics[name].to_numpy()[last]
    for name, W in maps.items():
        columns[f"{name}_fit"] = mean_over_neurons(neuron_frequency(W[places])[1])[0]
    return long_table(network, {"moment": list(at)}, columns)


def _accuracy(network: Network, metrics: pd.DataFrame | None) -> pd.DataFrame:
    """The accuracies' curves, thinned."""

    columns = ["step", "train_acc", "test_acc"]
    if metrics is None:
        metrics = pd.DataFrame(columns=columns, dtype=float)
    curve = metrics[columns].iloc[thinned(metrics["step"].to_numpy())].reset_index(drop=True)
    curve.insert(0, "arm", network.arm)
    curve.insert(1, "seed", network.seed)
    return curve


def _rows(
    network: Network, pairs: np.ndarray, values: dict[str, np.ndarray], columns: Sequence[int]
) -> pd.DataFrame:
    """A row per map, checkpoint and neuron, a column per entry of its row of the map, float32."""
    t, i = pairs.T
    tables = []
    for name, x in values.items():  # (T, m, column)
        table = pd.DataFrame(x[t, i].astype(np.float32), columns=[str(c) for c in columns])
        places = {"arm": network.arm, "seed": network.seed, "map": name, "step": network.steps[t]}
        for column, entry in reversed((places | {"neuron": i}).items()):
            table.insert(0, column, entry)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _matrices(network: Network, weights: dict[str, np.ndarray]) -> pd.DataFrame:
    """Every weight of every matrix at the last checkpoint, and whether the network's mask keeps it."""

    last = {name: w[-1] for name, w in prunable(weights).items()}
    pruned = network.mask() is not None or network.recipe.arms[network.arm].trains_scores
    mask = network.masks(weights)[-1] if pruned else {name: np.ones_like(w, bool) for name, w in last.items()}
    kept = layer_matrices(mask)
    tables = []
    for layer, W in layer_matrices(last).items():
        axes: dict[str, Any] = {"layer": [layer], "row": range(W.shape[0]), "column": range(W.shape[1])}
        tables.append(long_table(network, axes, {"weight": W[None], "kept": kept[layer][None]}))
    return gather(tables)
