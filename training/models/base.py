"""What a model is to the engine: a start, and a network of stacked arms with its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training import architectures
from training.losses import Loss
from training.tasks.base import Dataset

Weights = dict[str, Tensor]
Shapes = Mapping[str, tuple[int, ...]]
Forward = Callable[[Mapping[str, Tensor], Tensor], Tensor]


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
