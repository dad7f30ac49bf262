"""Progress measures of one checkpoint.

Every worker process imports this module.

p  residues      m  neurons      h  heads      n  pairs of the task      K  frequencies

The grid is all p² ordered pairs (a, b), also for a task of unordered pairs; losses are over the pairs of the
task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import weight_norm
from interp.mechanism.clock_pizza import circularity, distance_irrelevance, gradient_symmetricity
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
"""Number of triples (a, b, c) of gradient symmetricity, the same ones for every network of one p."""
N_COMPONENTS = 4
"""Number of the embedding's principal components that circularity averages, as Zhong et al.; p residues have
at most p − 1."""
MEASURES_ALONG_SUMS = (
    *("restricted_sum2", "restricted_neuron_sum2", "restricted_sum2_own"),
    *("excluded", "excluded_own", "distance_irrelevance"),
)
"""Measures that only an operation that is a sum or a difference has."""

KeyFrequencies = Mapping[str, np.ndarray]
"""Key frequencies by rule."""


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint to measure."""

    setting: Setting
    weights: Mapping[str, np.ndarray]
    rule: str
    """Rule whose key frequencies the losses keep or leave out."""
    final: KeyFrequencies | None
    """Key frequencies of the network's last checkpoint; None to find only those of this checkpoint."""


@dataclass(frozen=True)
class CheckpointMeasures:
    """Measures of one checkpoint."""

    key_frequencies: KeyFrequencies
    """Those of this checkpoint."""
    row: Mapping[str, float]
    by_frequency: Mapping[str, np.ndarray]
    """Measures of each key frequency of the final network."""
    heads: Mapping[str, np.ndarray]
    """Measures of each attention head."""


def measure_checkpoint(checkpoint: Checkpoint) -> CheckpointMeasures:
    """Return every measure of one checkpoint."""
    model, weights = checkpoint.setting.model, checkpoint.weights
    W_E, _ = model.residue_weights(weights).values()
    maps = model.neuron_maps(weights)
    W_L = maps["output"]
    passes = model.pair_activations(weights)
    by_rule = key_frequencies_by_rule(W_E, W_L, passes.hidden, passes.activation, maps["input"])
    if checkpoint.final is None:
        return CheckpointMeasures(by_rule, {}, {}, {})
    final = checkpoint.final[checkpoint.rule]
    row, by_frequency = _losses(checkpoint.setting, passes, W_L, final, by_rule[checkpoint.rule])
    share = frequency_power(W_E)[final - 1]
    row |= {
        "key_share": share.sum(),
        "gini_embedding": gini_coefficient(frequency_norms(W_E)),
        "gini_logit_map": gini_coefficient(frequency_norms(W_L.T)),
        "l2": weight_norm(weights, 2)[GLOBAL],
        "ffd": fourier_frequency_density(W_E),
        "fcr": fourier_coefficient_ratio(W_E),
        "gradient_symmetricity": _gradient_symmetricity(checkpoint),
        "circularity": circularity(W_E, N_COMPONENTS) if len(W_E) > N_COMPONENTS else np.nan,
    }
    for rule, frequencies in checkpoint.final.items():
        recovered = np.isin(frequencies, by_rule[rule])
        row |= {f"n_{rule}": len(by_rule[rule])}
        row |= {f"found_{rule}": recovered.mean() if len(frequencies) else np.nan}
    head_frequency, head_share = activation_frequency(passes.attention)
    row["attention_share"] = mean_over_neurons(head_share)[0]
    return CheckpointMeasures(
        by_rule,
        {name: float(value) for name, value in row.items()},
        by_frequency | {"share": share},
        {"frequency": head_frequency, "share": head_share},
    )


def sum_signs(setting: Setting) -> tuple[int, int] | None:
    """Return the signs s, t of labels s·a + t·b mod p.

    None for any other operation; and where s and t differ but the network cannot tell (a, b) from (b, a):
    half of the grid then has the labels of another operation.
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
    setting: Setting, passes: PairActivations, W_L: np.ndarray, final: np.ndarray, current: np.ndarray
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the losses of a network, and those of each key frequency.

    Measures along a sum of the inputs are NaN for an operation that is no sum.

    Parameters
    ----------
    final, current
        Key frequencies of the final network, and of this checkpoint.
    """
    data = _data(setting.task)
    a, b = data.inputs.T
    labels = data.labels
    assert labels is not None

    def loss(grid: np.ndarray, part: slice = slice(None)) -> float:
        return float(cross_entropy(grid[a[part], b[part]], labels[part]).mean())

    has_test = data.n_train < len(labels)
    fit = cosine_fit(passes.logits[a, b], final, labels)
    row: dict[str, Any] = {
        "train_loss": loss(passes.logits, slice(data.n_train)),
        "test_loss": loss(passes.logits, slice(data.n_train, None)) if has_test else np.nan,
        "all_loss": loss(passes.logits),
        "trig_r2": float(fit.r2),
        "trig_loss": float(fit.loss),
    } | dict.fromkeys(MEASURES_ALONG_SUMS, np.nan)
    for operator in ("block4", "block8"):  # they treat a and −a alike, so a sum and a difference too
        row[f"restricted_{operator}"] = loss(restricted_logits(passes.logits, final, operator))
    by_frequency = {"excluded": np.full(len(final), np.nan), "trig_amplitude": fit.amplitude}
    signs = sum_signs(setting)
    if signs is None:
        return row, by_frequency
    along_sums, excluded = _losses_along_sums(signs, passes, W_L, (final, current), loss, data.n_train)
    return row | along_sums, by_frequency | {"excluded": excluded}


def _losses_along_sums(
    signs: tuple[int, int],
    passes: PairActivations,
    W_L: np.ndarray,
    final_and_current: tuple[np.ndarray, np.ndarray],
    loss: Callable[..., float],
    n_train: int,
) -> tuple[dict[str, float], np.ndarray]:
    """Return the losses with and without the waves of the sum.

    The second result is the excluded loss of each key frequency of the final network.

    Parameters
    ----------
    signs : tuple of int
        `sum_signs` of the operation. A difference is brought to a sum by negating residues.
    """
    p = len(W_L.T)
    final = final_and_current[0]
    residues, train = np.arange(p), slice(n_train)
    at_a, at_b = (sign * residues % p for sign in signs)

    def negated(grid: np.ndarray) -> np.ndarray:
        """Return the grid over (s·a, t·b); twice is the grid itself."""
        return grid if signs == (1, 1) else grid[at_a[:, None], at_b]

    sums = negated(passes.logits)
    neurons = restricted_logits_through_neurons(negated(passes.hidden), W_L, sums, final)
    row = {"restricted_neuron_sum2": loss(negated(neurons))}
    for suffix, frequencies in zip(("", "_own"), final_and_current, strict=True):
        row[f"restricted_sum2{suffix}"] = loss(negated(restricted_logits(sums, frequencies, "sum2")))
        row[f"excluded{suffix}"] = loss(negated(excluded_logits(sums, frequencies)), train)
    label = (residues[:, None] + residues) % p
    correct = np.take_along_axis(sums, label[..., None], axis=-1)[..., 0]
    row["distance_irrelevance"] = float(distance_irrelevance(correct))
    excluded = [loss(negated(excluded_logits(sums, final[[i]])), train) for i in range(len(final))]
    return row, np.array(excluded)


def _gradient_symmetricity(checkpoint: Checkpoint) -> float:
    """Return gradient symmetricity, 1 for a network that adds its embeddings."""
    p = checkpoint.setting.task.n_outputs
    triples = np.random.default_rng(0).integers(p, size=(N_TRIPLES, 3))
    gradients = checkpoint.setting.model.embedding_gradients(checkpoint.weights, triples)
    return 1.0 if gradients is None else float(gradient_symmetricity(*gradients)[0])
