"""What a model is to the engine: a start, and a network of stacked arms with its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.architectures import registry as architectures
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss

Weights = dict[str, Tensor]
Shapes = Mapping[str, tuple[int, ...]]
Forward = Callable[[Mapping[str, Tensor], Tensor], Tensor]
Flow = Callable[[Mapping[str, Tensor]], Tensor]


class Network(ABC):
    """Stacked arms of one architecture on one data set, with a buffer for every intermediate.

    At these sizes a fresh allocation of an (example, neuron) array costs more in page faults than the
    arithmetic done on it.
    """

    @abstractmethod
    def outputs(self, weights: Weights) -> Tensor:
        """(arm, example, output) of every example, in a buffer that the next call overwrites."""

    @abstractmethod
    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's mean training loss into `grads`."""


def chain_flow(weights: Mapping[str, Tensor]) -> Tensor:
    """Synaptic flow 1ᵀ(Π W)1 of a chain of matrices (in, out), up to a factor that bears no gradient.

    The factor is the product of the largest flows into each layer, without which deep products overflow.
    """
    first, *_ = weights.values()
    units = torch.ones_like(first[:, 0])
    for weight in weights.values():
        units = units @ weight
        units = units / units.detach().max().clamp(min=torch.finfo(units.dtype).tiny)
    return units.sum()


def normal_init(model: architectures.Model, shapes: Shapes, seed: int) -> Weights:
    """θ₀ in float32 on the CPU, a function of the seed alone: normal, of `model.deviation`; biases are zero.

    Zeros are not drawn: what a seed gives is the same with and without biases.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) * deviation if deviation else torch.zeros(shape)
        for name, shape in shapes.items()
        for deviation in [model.deviation(name, shape)]
    }


@dataclass(frozen=True)
class Model:
    """The ways to compute a function of weights, and what its weights start as."""

    network: Callable[[Shapes, Dataset, Loss, int, torch.device, torch.dtype], Network]
    """From the weights' shapes and the number of arms: stacked, fast, with its gradient by hand."""
    forward: Forward
    """One network written plainly: (weights, inputs) → outputs, for autograd and torch.func."""
    as_written: Callable[[Weights], nn.Module]
    """One network with these weights as research code writes it, inputs → outputs: the baseline of bench."""
    start: Callable[[Any, Shapes, int], Weights] = normal_init
    """θ₀ from the settings, the weights' shapes and a seed."""
    flow: Flow = chain_flow
    """R of SynFlow from absolute weights, for autograd, up to a factor that bears no gradient: what an input
    of ones brings to the outputs of the network made linear. By default that of a chain of matrices."""
