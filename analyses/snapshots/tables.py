"""Tables of one network's weights: maps, spectra, cosines, matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.checkpoint_masks import checkpoint_masks
from analyses.loading.landmark_checkpoints import landmark_indices
from analyses.loading.neuron_maps import neuron_maps
from analyses.snapshots.schema import ACCURACY, MAPS, MATRICES, MOMENTS, NEURONS, SPECTRA
from analyses.tables.long_format import gather, long_table
from analyses.tables.schema import Table
from interp.mechanism.effective_weights import layer_matrices
from interp.spectra.fourier import amplitude_phase
from interp.spectra.weight_spectrum import mean_over_neurons, neuron_frequency
from training.inspection.trained_network import Network
from training.models.weight_names import prunable
from training.runs.log_spacing import thinned

MOST_STEPS, MOST_NEURONS = 40, 64
"""Numbers of checkpoints, and of neurons at the checkpoints between the landmarks, that are saved."""


def network_tables(
    network: Network, most_steps: int = MOST_STEPS, most_neurons: int = MOST_NEURONS
) -> dict[Table, pd.DataFrame]:
    """Return all tables of one network.

    All neurons are saved at the landmark checkpoints, `most_neurons` of them at up to `most_steps` others.
    """
    weights, metrics = network.weights(), network.metrics
    maps = dict(zip(("input", "output"), neuron_maps(network, weights), strict=True))  # (T, m, p) each
    spectra = {name: amplitude_phase(W)[0] for name, W in maps.items()}  # (T, m, K)
    landmarks = landmark_indices(network, metrics)
    landmark_places = sorted(set(landmarks.values()))  # two landmarks may share a checkpoint
    neurons = _neurons(network, landmark_places, maps, most_neurons)
    _, m, p = maps["input"].shape
    followed = neurons["neuron"][neurons["followed"]].unique()
    places = sorted({*thinned(network.steps, most_steps), *landmark_places})
    pairs = np.array([(t, i) for t in places for i in (range(m) if t in landmark_places else followed)])
    return {
        MOMENTS: _moments(network, landmarks, maps, metrics),
        ACCURACY: _accuracy(network, metrics),
        NEURONS: neurons,
        MAPS: _rows_of_maps(network, pairs, maps, range(p)),
        SPECTRA: _rows_of_maps(network, pairs, spectra, range(1, p // 2 + 1)),
        MATRICES: _matrices(network, weights),
    }


def neuron_order(frequency: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Return the neurons in order of frequency, then phase; dead ones last."""
    return np.lexsort((phase, np.where(frequency == 0, np.inf, frequency)))


def frequency_order(W: np.ndarray) -> np.ndarray:
    """Return the neurons in order of the strongest frequency, then phase, of their weights W (m, p)."""
    frequency, _ = neuron_frequency(W)
    phase = amplitude_phase(W)[1][np.arange(len(W)), np.maximum(frequency, 1) - 1]
    return neuron_order(frequency, phase)


def evenly(n: int, most: int) -> np.ndarray:
    """Return at most `most` evenly spaced places among n, the ends included."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(int)


def _neurons(
    network: Network, places: list[int], maps: Mapping[str, np.ndarray], most_neurons: int
) -> pd.DataFrame:
    """Return the cosine of every neuron's last frequency at some checkpoints."""
    tables, order = [], np.empty(0, dtype=int)
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
            "followed": np.isin(np.arange(len(order)), order[evenly(len(order), most_neurons)]),
            "frequency": frequency,
            "amplitude": amplitude,
            "phase": phase,
            "constant": W.mean(axis=-1),
            "share": share,
        }
        axes = {"step": network.steps[places], "neuron": range(len(order))}
        tables.append(long_table(network, axes, columns).assign(map=name))
    return gather(tables)


def _moments(
    network: Network,
    landmarks: Mapping[str, int],
    maps: Mapping[str, np.ndarray],
    metrics: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return a row per landmark: step, accuracies, fit of the cosines."""
    places = list(landmarks.values())
    step = network.steps[places]
    columns: dict[str, Any] = {"step": step}
    for name in ("train_acc", "test_acc"):
        columns[name] = np.full(len(step), np.nan)
        if metrics is not None:
            last = np.searchsorted(metrics["step"], step, side="right") - 1
            columns[name] = metrics[name].to_numpy()[last]
    for name, W in maps.items():
        columns[f"{name}_fit"] = mean_over_neurons(neuron_frequency(W[places])[1])[0]
    return long_table(network, {"moment": list(landmarks)}, columns)


def _accuracy(network: Network, metrics: pd.DataFrame | None) -> pd.DataFrame:
    """Return the accuracy curves at about logarithmically spaced steps."""
    columns = ["step", "train_acc", "test_acc"]
    if metrics is None:
        metrics = pd.DataFrame(columns=columns, dtype=float)
    curve = metrics[columns].iloc[thinned(metrics["step"].to_numpy())]
    return curve.reset_index(drop=True).assign(arm=network.arm, seed=network.seed)


def _rows_of_maps(
    network: Network, pairs: np.ndarray, values: Mapping[str, np.ndarray], columns: Sequence[int]
) -> pd.DataFrame:
    """Return a row of numbers per map, checkpoint and neuron, float32.

    Parameters
    ----------
    pairs : ndarray
        Place of the checkpoint and index of the neuron, (rows, 2).
    values : mapping
        Numbers by map, (T, m, column).
    """
    t, i = pairs.T
    tables = []
    for name, x in values.items():
        numbers = pd.DataFrame(x[t, i].astype(np.float32), columns=[str(c) for c in columns])
        of = {"arm": network.arm, "seed": network.seed, "map": name, "step": network.steps[t], "neuron": i}
        tables.append(pd.concat([pd.DataFrame(of), numbers], axis=1))
    return gather(tables)


def _matrices(network: Network, weights: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return every weight of every matrix at the last checkpoint, and the mask."""
    last = {name: w[-1] for name, w in prunable(weights).items()}
    pruned = network.mask is not None or network.recipe.arms[network.arm].trains_scores
    mask = (
        checkpoint_masks(network, weights)[-1]
        if pruned
        else {name: np.ones_like(w, bool) for name, w in last.items()}
    )
    is_kept = layer_matrices(mask)
    tables = []
    for layer, W in layer_matrices(last).items():
        axes: dict[str, Any] = {"layer": [layer], "row": range(W.shape[0]), "column": range(W.shape[1])}
        tables.append(long_table(network, axes, {"weight": W[None], "kept": is_kept[layer][None]}))
    return gather(tables)
