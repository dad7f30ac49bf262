"""Stacked networks: many arms of one architecture, computed together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from training.models.kernels.by_arm import LONGEST_VECTOR
from training.models.weight_names import Shape
from training.schema.validation import ConfigError
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss

Weights = dict[str, Tensor]
Shapes = Mapping[str, Shape]
Forward = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""One network: (weights, inputs) → outputs."""


def own_rows(stacked: Tensor) -> Tensor:
    """Return a tensor with memory for every arm: itself, or a copy if it may share a data set's."""
    return stacked if len(stacked) > 1 and stacked.is_contiguous() else stacked.clone().contiguous()


@dataclass(frozen=True, kw_only=True)
class StackedProblem:
    """Arms and examples that a stacked network is built for."""

    shapes: Shapes
    """Of every weight of one arm."""
    data: Dataset
    """Examples of all arms, unless `datasets` has others."""
    loss: Loss
    n_arms: int
    device: torch.device
    dtype: torch.dtype
    datasets: Sequence[Dataset] | None = None
    """Examples of each arm, of the shapes of `data`."""

    def inputs(self, data: Dataset | None = None) -> Tensor:
        """Return all inputs: tokens as integers, features in `dtype`."""
        given = self.data if data is None else data
        inputs = torch.as_tensor(given.inputs, device=self.device)
        return inputs.to(self.dtype) if inputs.is_floating_point() else inputs

    def stacked_inputs(self) -> Tensor:
        """Return the inputs of every arm, (arm, example, …); one copy if the arms share them."""
        if self.datasets is None:
            inputs = self.inputs()
            return inputs.expand(self.n_arms, *inputs.shape)
        return torch.stack([self.inputs(data) for data in self.datasets])

    def buffer(self, *shape: int) -> Tensor:
        """Return an empty tensor of this shape for every arm.

        On the CPU every arm's part begins where an arm's alone would, at a multiple of a vector: products of
        MKL round otherwise in memory that does not, on some processors.
        """
        n = n_stored = math.prod(shape)
        if self.device.type == "cpu" and self.n_arms > 1:
            n_stored = math.ceil(n / LONGEST_VECTOR) * LONGEST_VECTOR
        stored = torch.empty(self.n_arms, n_stored, device=self.device, dtype=self.dtype)
        return stored[:, :n].view(self.n_arms, *shape)


class Network(ABC):
    """Outputs and gradients of stacked arms on one data set.

    Fast networks hold a buffer for every intermediate: at these sizes a fresh allocation of an
    (example, neuron) array costs more in page faults than the arithmetic on it.
    """

    is_static: ClassVar[bool] = True
    """A gradient takes the same operations on the same memory at every step."""

    @abstractmethod
    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output) of every example.

        The next call may overwrite the result.
        """

    @abstractmethod
    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""

    def require_own_data(self, model: str) -> None:
        """Raise a `ConfigError` unless arms may have data of their own."""
        if type(self).replace_data is Network.replace_data:
            expected = "a network with replace_data, for arms of unlike data in one batch"
            raise ConfigError(f"model.name: expected {expected}, got {model!r}")

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's inputs, in place, with others of the same shapes.

        The loss has the labels and a method of the same name.

        Raises
        ------
        NotImplementedError
            If the network holds one data set for all arms.
        """
        raise NotImplementedError(f"{type(self).__name__} trains all arms on one data set")
