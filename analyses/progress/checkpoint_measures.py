"""What progress is measured by at one checkpoint. Imported by every worker.

p residues, m neurons, h heads, n pairs of the task, K frequencies. The grid is all p² ordered pairs (a, b),
also for a task of unordered ones; losses are over the pairs that the task has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import weight_norm
from interp.mechanism.clock_pizza import circularity, distance_irrelevance, gradient_symmetricity
from interp.mechanism.effective_weights import effective_maps, residue_weights
from interp.mechanism.fourier_ablation import (
    excluded_logits,
    restricted_logits,
    restricted_logits_through_neurons,
)
from interp.mechanism.key_frequency_rules import key_frequencies_by_rule
from interp.mechanism.logit_fit import cosine_fit, cross_entropy
from interp.spectra.concentration import gini_coefficient
from interp.spectra.embedding_spectrum import fourier_coefficient_ratio, fourier_frequency_density
from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.weight_spectrum import frequency_norms, frequency_power, mean_over_neurons
from training.config.settings import Setting
from training.models.pair_activations import PairActivations
from training.tasks.dataset import Dataset, Task

N_TRIPLES = 100
"""Draws of (a, b, c) that gradient symmetricity is averaged over, the same for every network of one p."""

Keys = Mapping[str, np.ndarray]
"""Key frequencies by rule."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint to measure, and the key frequencies of the network that it became."""

    setting: Setting
    weights: Mapping[str, np.ndarray]
    rule: str
    """Whose key frequencies the losses keep and leave out."""
    final: Keys | None
    """Of the last checkpoint; None to find no more than this one's own."""


@dataclass(frozen=True)
class Measured:
    """One checkpoint in numbers."""

    keys: Keys
    """Its own."""
    row: Mapping[str, float]
    by_frequency: Mapping[str, np.ndarray]
    """Per key frequency of the final network."""
    heads: Mapping[str, np.ndarray]
    """Per attention head."""


def measure_checkpoint(at: Checkpoint) -> Measured:
    """Every measure of one checkpoint."""
    model, weights = at.setting.model, at.weights
    W_E, _ = residue_weights(model.name, weights).values()
    W_L = effective_maps(model.name, weights)["output"]
    activations = model.pair_activations(weights)
    own = key_frequencies_by_rule(W_E, W_L, activations.hidden)
    if at.final is None:
        return Measured(own, {}, {}, {})
    keys = at.final[at.rule]
    row, by_frequency = _losses(at, activations, W_L, keys, own[at.rule])
    share = frequency_power(W_E)[keys - 1]
    row |= {
        "key_share": share.sum(),
        "gini_embedding": gini_coefficient(frequency_norms(W_E)),
        "gini_logit_map": gini_coefficient(frequency_norms(W_L.T)),
        "l2": weight_norm(weights, 2)[GLOBAL],
        "ffd": fourier_frequency_density(W_E),
        "fcr": fourier_coefficient_ratio(W_E),
        "gradient_symmetricity": _gradient_symmetricity(at),
        "circularity": circularity(W_E),
    }
    for rule, final in at.final.items():
        found = np.isin(final, own[rule])
        row |= {f"n_{rule}": len(own[rule]), f"found_{rule}": found.mean() if len(final) else np.nan}
    head_frequency, head_share = activation_frequency(activations.attention)
    row["attention_share"] = mean_over_neurons(head_share)[0]
    return Measured(
        own,
        {name: float(value) for name, value in row.items()},
        by_frequency | {"share": share},
        {"frequency": head_frequency, "share": head_share},
    )


def sum_signs(setting: Setting) -> tuple[int, int] | None:
    """Signs s, t with label = s·a + t·b mod p for every pair of the task; None for any other operation.

    None too where s and t differ and the network cannot tell (a, b) from (b, a): half of the grid then has
    the labels of another operation.
    """
    data, p = _data(setting.task), setting.task.n_outputs
    assert data.labels is not None
    for s, t in ((1, 1), (1, -1), (-1, 1)):
        fits = (data.labels == (data.inputs @ np.array([s, t])) % p).all()
        if fits and (s == t or not setting.model.symmetric):
            return s, t
    return None


@lru_cache(maxsize=16)
def _data(task: Task) -> Dataset:
    return task.build()


def _losses(
    at: Checkpoint, activations: PairActivations, W_L: np.ndarray, keys: np.ndarray, own: np.ndarray
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Cross-entropies of the network and of what is left of its logits; and those per key frequency.

    What is along a sum of the inputs is NaN for an operation that is none.
    """
    data = _data(at.setting.task)
    a, b = data.inputs.T
    labels, train = data.labels, slice(data.n_train)
    assert labels is not None
    logits, hidden, p = activations.logits, activations.hidden, len(W_L.T)

    def loss(grid: np.ndarray, part: slice = slice(None)) -> float:
        return float(cross_entropy(grid[a[part], b[part]], labels[part]).mean())

    has_test = data.n_train < len(labels)

    fit = cosine_fit(logits[a, b], keys, labels)
    row: dict[str, Any] = {
        "train_loss": loss(logits, train),
        "test_loss": loss(logits, slice(data.n_train, None)) if has_test else np.nan,
        "all_loss": loss(logits),
        "trig_r2": float(fit.r2),
        "trig_loss": float(fit.loss),
    }
    along_sums = ("restricted_sum2", "restricted_neuron_sum2", "restricted_sum2_own")
    row |= dict.fromkeys((*along_sums, "excluded", "excluded_own", "distance_irrelevance"), np.nan)
    for operator in ("block4", "block8"):  # alike for a and −a, so for a sum and a difference
        row[f"restricted_{operator}"] = loss(restricted_logits(logits, keys, operator))
    by_frequency = {"excluded": np.full(len(keys), np.nan), "trig_amplitude": fit.amplitude}
    signs = sum_signs(at.setting)
    if signs is None:
        return row, by_frequency

    # To and fro between (a, b) and the inputs whose sum the label is: negating a residue undoes itself.
    at_a, at_b = (sign * np.arange(p) % p for sign in signs)

    def turned(grid: np.ndarray) -> np.ndarray:
        return grid if signs == (1, 1) else grid[at_a[:, None], at_b]

    sums = turned(logits)
    neurons = restricted_logits_through_neurons(turned(hidden), W_L, sums, keys)
    row["restricted_neuron_sum2"] = loss(turned(neurons))
    for suffix, frequencies in (("", keys), ("_own", own)):
        row[f"restricted_sum2{suffix}"] = loss(turned(restricted_logits(sums, frequencies, "sum2")))
        row[f"excluded{suffix}"] = loss(turned(excluded_logits(sums, frequencies)), train)
    residues = np.arange(p)
    label = (residues[:, None] + residues) % p
    correct = np.take_along_axis(sums, label[..., None], axis=-1)[..., 0]
    row["distance_irrelevance"] = float(distance_irrelevance(correct))
    each = [loss(turned(excluded_logits(sums, keys[[i]])), train) for i in range(len(keys))]
    return row, by_frequency | {"excluded": np.array(each)}


def _gradient_symmetricity(at: Checkpoint) -> float:
    """1 by construction for a network that adds its embeddings."""
    p = at.setting.task.n_outputs
    triples = np.random.default_rng(0).integers(p, size=(N_TRIPLES, 3))
    gradients = at.setting.model.embedding_gradients(at.weights, triples)
    return 1.0 if gradients is None else float(gradient_symmetricity(*gradients)[0])
