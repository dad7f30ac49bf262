"""Neurons and output maps of a network at all of its checkpoints.

T  checkpoints      m  neurons      p  residues, or classes      n  examples, training ones first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyses.loading.neuron_maps import neuron_maps
from analyses.loading.pairs import examples_of
from interp.mechanism.two_layer_forward import ACTIVATIONS
from training.models.mlp.numpy_forward import forward
from training.runs.atomic_files import RunError
from training.tasks.dataset import Task

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

Weights = Mapping[str, np.ndarray]
Reads = np.ndarray | Weights
"""Input map, (m, p); of a network on features the weights of its hidden layers."""


@dataclass(frozen=True)
class Neurons:
    """Neurons of one checkpoint."""

    task: Task
    reads: Reads
    activation: str

    def activations(self) -> np.ndarray:
        """Return the activation of every neuron on every example, (m, n)."""
        inputs = examples_of(self.task).inputs
        function = ACTIVATIONS[self.activation]
        if isinstance(self.reads, np.ndarray):
            a, b = inputs.T
            return function(self.reads[:, a] + self.reads[:, b])
        return np.ascontiguousarray(function(forward(self.reads, inputs)).T)

    def signature(self) -> np.ndarray:
        """Return what neurons are compared by: their input map, or their activations, (m, p) or (m, n)."""
        return self.reads if isinstance(self.reads, np.ndarray) else self.activations()


@dataclass(frozen=True)
class NeuronLayers:
    """Neurons and output maps of a network at its checkpoints."""

    network: Network
    reads: Sequence[Reads]
    """Of each checkpoint."""
    outputs: np.ndarray
    """(T, m, p)"""
    activation: str
    start: Weights | None
    """Weights before training; None if they were not saved."""
    kept: np.ndarray | None
    """(m,): True for a neuron to which, and from which, a path of kept weights leads; None without a mask."""

    def neurons(self, t: int) -> Neurons:
        """Return the neurons of the checkpoint at index `t`."""
        return Neurons(self.network.setting.task, self.reads[t], self.activation)

    @property
    def last_step(self) -> int:
        """Step of the last checkpoint."""
        return int(self.network.steps[-1])

    def begins_as(self, other: NeuronLayers) -> bool:
        """Return True if both networks began with the same weights, pruned ones aside."""
        first, second = self.start, other.start
        if first is None or second is None or first.keys() != second.keys():
            return False
        return all(_agree(w, second[name]) for name, w in first.items())


def layers_of(network: Network) -> NeuronLayers:
    """Return a network's neurons and output maps.

    Raises
    ------
    RunError
        If its logits are not its neurons times its output map.
    """
    weights, model = network.weights(), network.setting.model
    reads, outputs = _reads_and_outputs(network, weights)
    has_start = int(network.files.steps()[0]) == 0
    activation = "relu"
    if model.reads == "tokens":
        last = {name: w[-1] for name, w in weights.items()}
        found = model.pair_activations(last)
        activation = found.activation
        layers = Neurons(network.setting.task, reads[-1], activation).activations()
        a, b = examples_of(network.setting.task).inputs.T
        if not np.allclose(outputs[-1].T @ layers, found.logits[a, b].T, rtol=1e-6, atol=1e-6):
            cure = "--arms chooses other networks"
            raise RunError(f"{network.files}: expected logits that are neurons times an output map; {cure}")
    return NeuronLayers(
        network=network,
        reads=reads,
        outputs=outputs,
        activation=activation,
        start=network.files.checkpoints(row=0) if has_start else None,
        kept=None if network.mask is None else _kept_neurons(network),
    )


def _reads_and_outputs(network: Network, weights: Weights) -> tuple[Sequence[Reads], np.ndarray]:
    """Return what neurons read at every checkpoint, and the output maps, (T, m, p)."""
    if network.setting.model.reads == "tokens":
        input_map, output_map = neuron_maps(network, weights)
        return list(input_map), output_map
    *hidden, last = weights
    n_steps = len(weights[last])
    return [{name: weights[name][t] for name in hidden} for t in range(n_steps)], weights[last]


def _kept_neurons(network: Network) -> np.ndarray:
    """Return which neurons have a path of kept weights from an input and to a class, (m,)."""
    assert network.mask is not None
    paths = {name: is_kept.astype(np.float64)[None] for name, is_kept in network.mask.items()}
    reads, outputs = _reads_and_outputs(network, paths)
    found = reads[0]
    if not isinstance(found, np.ndarray):
        n_inputs = next(iter(found.values())).shape[0]
        found = forward(found, np.ones((1, n_inputs))).T
    return found.any(axis=1) & outputs[0].any(axis=1)


def _agree(first: np.ndarray, second: np.ndarray) -> bool:
    """Return True if two weights are equal wherever neither is zero."""
    if first.shape != second.shape:
        return False
    both = (first != 0) & (second != 0)
    return bool((first == second)[both].all())
