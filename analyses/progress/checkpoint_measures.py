"""Progress measures of one checkpoint.

Every worker process imports this module.

p  residues      m  neurons      h  heads      n  pairs of the task      K  frequencies

The grid is all p² ordered pairs (a, b), also for a task of unordered pairs; losses are over the pairs of the
task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.loading.pairs import examples_of, sum_signs
from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import weight_norm
from interp.mechanism.clock_pizza import circularity, distance_irrelevance, gradient_symmetricity
from interp.mechanism.fourier_ablation import restricted_logits_through_neurons
from interp.mechanism.key_frequency_rules import key_frequencies_by_rule
from interp.pairs.losses import along_sums, excluded_loss, pair_loss, restricted_loss
from interp.pairs.progress_measures import progress_losses
from interp.spectra.concentration import gini_coefficient
from interp.spectra.embedding_spectrum import fourier_coefficient_ratio, fourier_frequency_density
from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.weight_spectrum import frequency_norms, frequency_power, mean_over_neurons
from training.config.settings import Setting
from training.models.pair_activations import PairActivations

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
    data, signs = examples_of(setting.task), sum_signs(setting)
    assert data.labels is not None
    examples: dict[str, Any] = {"pairs": data.inputs, "labels": data.labels, "signs": signs}
    is_train = np.arange(len(data.labels)) < data.n_train
    is_known = setting.task.split_known
    losses = progress_losses(passes.logits, final, **examples, is_train=is_train if is_known else None)
    row: dict[str, Any] = {
        "train_loss": losses.train_loss,
        "test_loss": losses.test_loss,
        "all_loss": losses.all_loss,
        "trig_r2": float(losses.fit.r2),
        "trig_loss": float(losses.fit.loss),
    } | dict.fromkeys(MEASURES_ALONG_SUMS, np.nan)
    row |= {f"restricted_{operator}": loss for operator, loss in losses.restricted.items()}
    row["excluded"] = losses.excluded
    if signs is not None:
        row["restricted_sum2_own"] = restricted_loss(passes.logits, current, **examples)
        if is_known:
            train = {name: examples[name][is_train] for name in ("pairs", "labels")}
            row["excluded_own"] = excluded_loss(passes.logits, current, **train, signs=signs)
        row |= _measures_along_sums(signs, passes, W_L, final, examples)
    return row, {"excluded": losses.excluded_by_frequency, "trig_amplitude": losses.fit.amplitude}


def _measures_along_sums(
    signs: tuple[int, int],
    passes: PairActivations,
    W_L: np.ndarray,
    final: np.ndarray,
    examples: Mapping[str, Any],
) -> dict[str, float]:
    """Return the loss restricted at the neurons, and distance irrelevance.

    Parameters
    ----------
    signs : tuple of int
        `sum_signs` of the operation. A difference is brought to a sum by negating residues.
    """
    sums, hidden = (along_sums(grid, signs) for grid in (passes.logits, passes.hidden))
    neurons = restricted_logits_through_neurons(hidden, W_L, sums, final)
    residues = np.arange(len(sums))
    label = (residues[:, None] + residues) % len(sums)
    correct = np.take_along_axis(sums, label[..., None], axis=-1)[..., 0]
    return {
        "restricted_neuron_sum2": pair_loss(along_sums(neurons, signs), **examples),
        "distance_irrelevance": float(distance_irrelevance(correct)),
    }


def _gradient_symmetricity(checkpoint: Checkpoint) -> float:
    """Return gradient symmetricity, 1 for a network that adds its embeddings."""
    p = checkpoint.setting.task.n_outputs
    triples = np.random.default_rng(0).integers(p, size=(N_TRIPLES, 3))
    gradients = checkpoint.setting.model.embedding_gradients(checkpoint.weights, triples)
    return 1.0 if gradients is None else float(gradient_symmetricity(*gradients)[0])
