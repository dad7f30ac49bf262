"""Stacked networks: many arms of one architecture, computed together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from training.models.weight_names import Shape
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss

Weights = dict[str, Tensor]
Shapes = Mapping[str, Shape]
Forward = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""One network: (weights, inputs) → outputs."""


@dataclass(frozen=True, kw_only=True)
class StackedProblem:
    """Arms and examples that a stacked network is built for."""

    shapes: Shapes
    """Of every weight of one arm."""
    data: Dataset
    loss: Loss
    n_arms: int
    device: torch.device
    dtype: torch.dtype

    def inputs(self) -> Tensor:
        """Return all inputs: tokens as integers, features in `dtype`."""
        inputs = torch.as_tensor(self.data.inputs, device=self.device)
        return inputs.to(self.dtype) if inputs.is_floating_point() else inputs

    def stacked_inputs(self) -> Tensor:
        """Return the inputs of every arm, (arm, example, …)."""
        inputs = self.inputs()
        return inputs.expand(self.n_arms, *inputs.shape)

    def buffer(self, *shape: int) -> Tensor:
        """Return an empty tensor of this shape for every arm."""
        return torch.empty(self.n_arms, *shape, device=self.device, dtype=self.dtype)


class Network(ABC):
    """Outputs and gradients of stacked arms on one data set.

    Fast networks hold a buffer for every intermediate: at these sizes a fresh allocation of an
    (example, neuron) array costs more in page faults than the arithmetic on it.
    """

    @abstractmethod
    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output) of every example.

        The next call may overwrite the result.
        """

    @abstractmethod
    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
