"""Activations of one checkpoint on the pairs of its task.

n  pairs, training pairs first      m  neurons      p  residues      K  frequencies
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.ablation.transformer_pass import TransformerPass
from analyses.loading.pairs import examples_of, part_starts
from interp.mechanism.ablation import PartScores, part_scores, permutation_within
from interp.mechanism.effective_weights import MODEL_WEIGHTS
from interp.mechanism.two_layer_forward import ACTIVATIONS
from interp.pairs.evaluation import all_pairs
from interp.spectra.fourier import fourier_basis
from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.weight_spectrum import frequency_power, neuron_frequency
from training.config.settings import Setting
from training.runs.atomic_files import RunError

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class PairNetwork:
    """One checkpoint on all pairs of its task."""

    setting: Setting
    weights: Weights
    pairs: np.ndarray
    """(n, 2)"""
    labels: np.ndarray
    starts: tuple[int, ...]
    """First pair of each part."""
    parts: tuple[str, ...]
    """Names of the parts: train and test, or all where the split is not known."""
    permutation: np.ndarray
    """Pair whose activations each pair gets by resampling, of its own part."""
    logits: np.ndarray
    """(p, n)"""
    hidden: np.ndarray
    """(m, n)"""
    input_map: np.ndarray
    output_map: np.ndarray
    """(m, p): what a neuron adds to the logits."""
    frequency: np.ndarray
    """(m,): frequency of each neuron, 0 for a dead one."""
    power: np.ndarray
    """(K,): share of the embedding's variance at each frequency; NaN if it has none."""
    activation: str
    transformer: TransformerPass | None = None
    """Its heads and neurons apart; None in other networks."""

    @classmethod
    def of(cls, setting: Setting, weights: Weights, seed: int) -> PairNetwork:
        """Return a checkpoint's network.

        Parameters
        ----------
        seed : int
            Of the permutation of resampling, which is the same at every checkpoint.

        Raises
        ------
        RunError
            If the model has no activations on pairs, or a part has one pair alone.
        """
        data, model = examples_of(setting.task), setting.model
        assert data.labels is not None
        n = len(data.labels)
        starts, parts = part_starts(setting)
        try:
            permutation = permutation_within(starts, n, np.random.default_rng(seed))
        except ValueError as error:
            raise RunError(f"{setting.task.describe()}: {error}; --arms chooses other networks") from None
        maps = model.neuron_maps(weights)
        computed = _activations(setting, weights, maps, data.inputs)
        embedding, _ = model.residue_weights(weights).values()
        varies = np.ptp(embedding, axis=0).any()
        K = len(embedding) // 2
        return cls(
            setting=setting,
            weights=weights,
            pairs=data.inputs,
            labels=data.labels,
            starts=starts,
            parts=parts,
            permutation=permutation,
            input_map=maps["input"],
            output_map=maps["output"],
            power=frequency_power(embedding) if varies else np.full(K, np.nan),
            **computed,
        )

    @property
    def groups(self) -> dict[int, np.ndarray]:
        """Neurons of each frequency that some neuron has."""
        return {int(k): np.flatnonzero(self.frequency == k) for k in np.unique(self.frequency) if k}

    @property
    def judged(self) -> int:
        """Index of the part by which components are judged: test, or all pairs that there are."""
        return len(self.parts) - 1

    def scores(
        self, logits: np.ndarray, change: np.ndarray | tuple[np.ndarray, np.ndarray] | None = None
    ) -> PartScores:
        """Return the scores of logits, (p, n), by part, as `part_scores` does."""
        return part_scores(logits, self.labels, self.starts, change)

    def without_frequency(self, k: int) -> np.ndarray | None:
        """Return the logits if the embedding has nothing at a frequency; None without an embedding.

        W_E becomes W_E − QᵀQ W_E, with Q the two waves of the frequency.
        """
        model = self.setting.model
        Q = fourier_basis(len(self.power) * 2 + 1)[2 * k - 1 : 2 * k + 1]
        if model.name in MODEL_WEIGHTS and model.symmetric:
            table = self.input_map - (self.input_map @ Q.T) @ Q  # (m, p)
            a, b = self.pairs.T
            hidden = ACTIVATIONS[self.activation](table[:, a] + table[:, b])
            return self.output_map.T @ hidden
        first, _ = model.residue_weights(self.weights)
        name = next((name for name in self.weights if name.rpartition(".")[2] == first), None)
        return None if name is None else self._forward_without(name, Q)

    def _forward_without(self, name: str, Q: np.ndarray) -> np.ndarray:
        p = Q.shape[1]
        W = self.weights[name].astype(np.float64)
        edited = np.concatenate([W[:p] - Q.T @ (Q @ W[:p]), W[p:]])
        weights = {**self.weights, name: edited}
        if self.transformer is not None:
            return TransformerPass.of(weights, self.pairs, _attention_rate(self.setting)).logits()
        import torch

        tensors = {key: torch.from_numpy(w.astype(np.float64)) for key, w in weights.items()}
        with torch.no_grad():
            pairs = torch.from_numpy(self.pairs)
            logits = self.setting.model.implementation().forward(tensors, pairs)
        return np.ascontiguousarray(logits[:, :p].T.numpy())


def _activations(
    setting: Setting, weights: Weights, maps: Mapping[str, np.ndarray], pairs: np.ndarray
) -> dict[str, Any]:
    """Return the fields of a network that depend on its forward pass."""
    a, b = pairs.T
    if setting.model.name == "transformer":
        p = maps["output"].shape[-1]
        whole = TransformerPass.of(weights, all_pairs(p), _attention_rate(setting))
        grid = np.maximum(whole.pre, 0).reshape(-1, p, p)
        own = whole.at(a * p + b)
        hidden = np.maximum(own.pre, 0)
        return {
            "frequency": activation_frequency(np.moveaxis(grid, 0, -1))[0],
            "logits": own.direct + own.writes.T @ hidden,
            "hidden": hidden,
            "activation": "relu",
            "transformer": own,
        }
    found = setting.model.pair_activations(weights)
    if found.attention.shape[-1]:
        frequency, _ = activation_frequency(found.hidden)
    else:
        frequency, _ = neuron_frequency(maps["input"])
    return {
        "frequency": frequency,
        "logits": np.ascontiguousarray(found.logits[a, b].T),
        "hidden": np.ascontiguousarray(found.hidden[a, b].T),
        "activation": found.activation,
    }


def _attention_rate(setting: Setting) -> float:
    return getattr(setting.model, "attention_rate", 1.0)
