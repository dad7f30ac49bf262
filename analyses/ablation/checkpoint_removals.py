"""Removals of one checkpoint.

Every worker process imports this module.

n  pairs of the task      s  sources of logits      p  residues      K  frequencies
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.ablation.attention_removals import transformer_removals
from analyses.ablation.circuits import circuit_rows
from analyses.ablation.pair_network import PairNetwork
from interp.mechanism.ablation import REMOVALS, PartScores, replaced
from interp.spectra.fourier import fourier_basis
from training.config.settings import Setting

MEAN = REMOVALS[0]


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint to measure."""

    setting: Setting
    weights: Mapping[str, np.ndarray]
    seed: int
    components: tuple[str, ...]
    is_last: bool
    """True: also single neurons, all removals of waves, and circuits."""


@dataclass(frozen=True)
class CheckpointRemovals:
    """Scores of one checkpoint with components removed."""

    rows: Sequence[Mapping[str, Any]]
    """Of the table of removals: component, unit, removal, n_neurons, and scores."""
    n_neurons: np.ndarray
    """(K,): neurons of each frequency."""
    power: np.ndarray
    """(K,): share of the embedding's variance at each frequency."""
    circuits: Sequence[Mapping[str, Any]]
    """Of the table of circuits, at the last checkpoint."""
    sets: Sequence[Mapping[str, Any]]
    """Of the table of sets, at the last checkpoint."""


def measure_checkpoint(checkpoint: Checkpoint) -> CheckpointRemovals:
    """Return the scores of a checkpoint with every component removed."""
    network = PairNetwork.of(checkpoint.setting, checkpoint.weights, checkpoint.seed)
    chosen, is_last = checkpoint.components, checkpoint.is_last
    rows = [_row(network, "network", 0, "none", 0, network.scores(network.logits))]
    if "frequency" in chosen:
        rows += _source_rows(network, "frequency", network.groups, alone=True)
    if "neuron" in chosen and is_last:
        single = {i: np.array([i]) for i in range(len(network.hidden))}
        rows += _source_rows(network, "neuron", single, alone=False)
    if "logits" in chosen:
        rows += _logit_rows(network, REMOVALS if is_last else ("zero",))
    if "embedding" in chosen and (is_last or checkpoint.setting.model.symmetric):
        rows += _embedding_rows(network)
    if checkpoint.setting.model.name == "transformer" and {"head", "attention", "mlp"} & {*chosen}:
        rows += [
            _row(network, component, unit, removal, 0, network.scores(logits))
            for component, unit, removal, logits in transformer_removals(network, chosen)
        ]
    K = len(network.power)
    counts = np.bincount(network.frequency, minlength=K + 1)[1:]
    has_circuits = is_last and "circuit" in chosen
    circuits, sets = circuit_rows(network, checkpoint.seed) if has_circuits else ([], [])
    return CheckpointRemovals(rows, counts, network.power, circuits, sets)


def _source_rows(
    network: PairNetwork, component: str, groups: Mapping[int, np.ndarray], alone: bool
) -> Iterator[dict[str, Any]]:
    """Yield rows of groups of neurons; `alone`: also all other groups at their mean."""
    hidden, writes = network.hidden, network.output_map
    empty = network.logits
    if alone and groups:
        grouped = np.concatenate(list(groups.values()))
        empty = network.logits + writes[grouped].T @ _change(network, hidden[grouped], MEAN)
    for unit, neurons in groups.items():
        for removal in REMOVALS[::-1]:
            change = writes[neurons], _change(network, hidden[neurons], removal)
            scores = network.scores(network.logits, change)
            yield _row(network, component, unit, removal, len(neurons), scores)
        if alone:  # the last change is to the mean
            scores = network.scores(empty, (change[0], -change[1]))
            yield _row(network, component, unit, "alone", len(neurons), scores)


def _change(network: PairNetwork, values: np.ndarray, removal: str) -> np.ndarray:
    """Return what is added to values, pairs last, by a removal."""
    stand_in = replaced(values, removal, network.starts, network.permutation)
    return np.subtract(stand_in, values, out=stand_in)


def _logit_rows(network: PairNetwork, removals: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield rows of the waves that the logits have over the classes."""
    F = fourier_basis(len(network.logits))
    coefficients = F @ network.logits  # (p, n)
    for removal in removals:
        change = _change(network, coefficients, removal)
        for k in range(1, len(network.power) + 1):
            pair = slice(2 * k - 1, 2 * k + 1)
            scores = network.scores(network.logits, (F[pair], change[pair]))
            yield _row(network, "logits", k, removal, 0, scores)


def _embedding_rows(network: PairNetwork) -> Iterator[dict[str, Any]]:
    """Yield rows of the embedding's waves, whose mean over residues is zero."""
    for k in range(1, len(network.power) + 1):
        logits = network.without_frequency(k)
        if logits is not None:
            yield _row(network, "embedding", k, "zero", 0, network.scores(logits))


def _row(
    network: PairNetwork, component: str, unit: int, removal: str, n_neurons: int, scores: PartScores
) -> dict[str, Any]:
    row: dict[str, Any] = {"component": component, "unit": unit, "removal": removal, "n_neurons": n_neurons}
    sizes = np.diff([*network.starts, len(network.labels)])
    for name, values in zip(("loss", "acc", "margin"), scores, strict=True):
        by_part = dict(zip(network.parts, values.tolist(), strict=True))
        row |= {f"{part}_{name}": by_part.get(part, np.nan) for part in ("train", "test")}
        row[f"all_{name}"] = float(values @ sizes / sizes.sum())
    return row
