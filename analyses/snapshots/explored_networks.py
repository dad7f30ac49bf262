"""Tables that the explorer reads: every network's waves, pairs, embedding and graph of the mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.landmark_checkpoints import landmark_indices
from analyses.loading.neuron_maps import neuron_maps
from analyses.loading.pairs import examples_of
from analyses.snapshots.mask_graphs import mask_graphs
from analyses.snapshots.schema import CIRCLES, MASK_GRAPHS, PAIRS, WAVES
from analyses.snapshots.tables import evenly, frequency_order
from analyses.tables.long_format import gather
from analyses.tables.schema import Table
from interp.mechanism.logit_fit import logit_margin
from interp.spectra.fourier import fourier_basis
from interp.spectra.weight_spectrum import frequency_norms
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.log_spacing import thinned

MOST_NUMBERS = 10_000_000
"""Numbers of waves and pairs that are saved of all networks together: about what a page of 15 MB holds."""
MOST_WAVES, SAMPLED_WAVES = 1024, 256
"""A network of more neurons than the first is saved by a sample of the second number."""
LEAST_STEPS = 6
N_CIRCLES = 6
TWO_LAYERS = ("embed_mlp", "one_hot_mlp")
"""Models whose logits the maps of their neurons determine."""


def explored_tables(networks: Sequence[Network], most_steps: int | None = None) -> dict[Table, pd.DataFrame]:
    """Return the tables of waves, pairs, embedding circles and masks' graphs of all networks.

    Checkpoints are as many as `MOST_NUMBERS` allows, evenly spaced in the logarithm of their step, and the
    landmarks.

    Parameters
    ----------
    most_steps : int, optional
        Largest number of checkpoints beside the landmarks.
    """
    parts: dict[Table, list[pd.DataFrame]] = {WAVES: [], PAIRS: [], CIRCLES: [], MASK_GRAPHS: []}
    for network in networks:
        fitting = max(LEAST_STEPS, MOST_NUMBERS // (len(networks) * _numbers_of_checkpoint(network)))
        landmarks = landmark_indices(network, network.metrics).values()
        places = sorted({*thinned(network.steps, min(fitting, most_steps or fitting)), *landmarks})
        weights = {name: W[places] for name, W in network.weights().items()}
        steps = network.steps[places]
        parts[WAVES] += _waves(network, steps, weights)
        parts[PAIRS] += _pairs(network, steps, weights)
        parts[CIRCLES] += _circles(network, steps, weights)
        parts[MASK_GRAPHS] += _mask_graphs(network, weights)
    return {table: gather(rows) if rows else pd.DataFrame() for table, rows in parts.items()}


def _numbers_of_checkpoint(network: Network) -> int:
    """Return how many numbers one checkpoint of a network has in the tables."""
    model, p = network.setting.model, network.p
    m = getattr(model, "d_mlp", MOST_WAVES)
    on_pairs = 0 if model.name in TWO_LAYERS else p**2 * (1 + getattr(model, "n_heads", 0))
    return 2 * p * (m if m <= MOST_WAVES else SAMPLED_WAVES) + on_pairs


def _rows(network: Network, axes: Mapping[str, Any], values: np.ndarray, first: int = 0) -> pd.DataFrame:
    """Return values (..., n), one row of n numbered columns per combination of the axes' entries."""
    *shape, n = values.shape
    places = np.indices(shape).reshape(len(shape), -1)
    of: dict[str, Any] = {"arm": network.arm, "seed": network.seed}
    of |= {name: np.asarray(entries)[at] for (name, entries), at in zip(axes.items(), places, strict=True)}
    numbered = pd.DataFrame(
        values.reshape(-1, n).astype(np.float32), columns=[str(first + i) for i in range(n)]
    )
    return pd.concat([pd.DataFrame(of, index=numbered.index), numbered], axis=1)


def _waves(network: Network, steps: np.ndarray, weights: Mapping[str, np.ndarray]) -> Iterator[pd.DataFrame]:
    """Yield the rows of both maps of the network's neurons, or of a sample of them."""
    maps = dict(zip(("input", "output"), neuron_maps(network, weights), strict=True))
    last = maps["input"][-1]
    neurons = np.arange(len(last))
    if len(last) > MOST_WAVES:
        neurons = np.sort(frequency_order(last)[evenly(len(last), SAMPLED_WAVES)])
    for name, W in maps.items():
        yield _rows(network, {"step": steps, "neuron": neurons}, W[:, neurons]).assign(map=name)


def _pairs(network: Network, steps: np.ndarray, weights: Mapping[str, np.ndarray]) -> Iterator[pd.DataFrame]:
    """Yield labels and split, and what a network with attention does on all pairs."""
    labels, trained = _examples(network)
    for quantity, grid in (("label", labels), ("trained", trained)):
        yield _rows(network, {"step": steps[:1], "a": range(network.p)}, grid[None]).assign(quantity=quantity)
    if network.setting.model.name in TWO_LAYERS:
        return
    try:
        passes = [
            network.setting.model.pair_activations({name: W[t] for name, W in weights.items()})
            for t in range(len(steps))
        ]
    except RunError:  # a plug-in's model without activations on pairs
        return
    axes = {"step": steps, "a": range(network.p)}
    margins = np.stack([_margin(each.logits, labels) for each in passes])
    yield _rows(network, axes, margins).assign(quantity="margin")
    attention = np.stack([each.attention for each in passes])  # (T, p, p, h)
    for head in range(attention.shape[-1]):
        yield _rows(network, axes, attention[..., head]).assign(quantity=f"attention {head}")


def _examples(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return label and membership in the training set of every pair, (p, p); NaN where there is none.

    The label of an unordered pair holds for both of its orders; it is an example in one.
    """
    task = network.setting.task
    data = examples_of(task)
    assert data.labels is not None
    labels, trained = np.full((2, network.p, network.p), np.nan)
    a, b = data.inputs.T
    if getattr(task, "pairs", None) == "unordered":
        labels[b, a] = data.labels
    labels[a, b] = data.labels
    if task.split_known:
        trained[a, b] = np.arange(len(a)) < data.n_train
    return labels, trained


def _margin(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the margins of all pairs (p, p), NaN where there is no label."""
    known = np.isfinite(labels)
    margins = logit_margin(logits, np.where(known, labels, 0).astype(int))
    return np.where(known, margins, np.nan)


def _mask_graphs(network: Network, weights: Mapping[str, np.ndarray]) -> Iterator[pd.DataFrame]:
    """Yield the graphs of the mask's layers, and of random masks like it."""
    if network.mask is None:
        return
    input_map, _ = neuron_maps(network, {name: W[-1:] for name, W in weights.items()})
    for rows in mask_graphs(network.mask, input_map[0], network.seed):
        yield rows.assign(arm=network.arm, seed=network.seed)


def _circles(
    network: Network, steps: np.ndarray, weights: Mapping[str, np.ndarray]
) -> Iterator[pd.DataFrame]:
    """Yield the embedding's residues in the planes of its strongest frequencies at the end."""
    name, W_E = next(iter(network.setting.model.residue_weights(weights).items()))
    if name != "W_E":
        return
    p = network.p
    frequencies = np.sort(np.argsort(frequency_norms(W_E[-1]))[::-1][:N_CIRCLES] + 1)
    basis = fourier_basis(p)
    for place, axis in enumerate(("cosine", "sine")):
        directions = basis[2 * frequencies - 1 + place] @ W_E  # (T, k, d)
        lengths = np.linalg.norm(directions, axis=-1, keepdims=True)
        units = np.divide(directions, lengths, out=np.zeros_like(directions), where=lengths > 0)
        places = units @ W_E.swapaxes(-1, -2)  # (T, k, p)
        yield _rows(network, {"step": steps, "frequency": frequencies}, places).assign(axis=axis)
