"""Base class of the parametrizations, and the arms they parametrize.

Shapes: r arms, w weights of an arm in a row (layer after layer).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from training.models.implementation import Implementation
from training.models.network import Network, StackedProblem
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.optimization.parametrizations.weight_rows import RowLayout


@dataclass(frozen=True, kw_only=True)
class StackedArms:
    """Arms before training: starts and masks in rows."""

    weights_rw: Tensor
    """Start of every arm, pruned weights included."""
    mask_rw: Tensor | None
    """1 = kept; None if no arm has a mask."""
    layout: RowLayout
    settings: ParametrizationSettings


class Parametrization(ABC):
    """Trained rows, and the network's weights made from them."""

    trained: list[Tensor]
    """Each (r, w), updated in place."""
    frozen: list[Tensor]
    """Each (r, w), never changed while an arm trains."""
    rebuilds_network: ClassVar[bool] = False
    """The network depends on the arms' starts, and is built anew for another arm."""
    draws: ClassVar[bool] = False
    """A step draws random numbers."""

    @abstractmethod
    def __init__(self, arms: StackedArms): ...

    def network_weights(self) -> Tensor:
        """Return rows for the network's weights, which `write_weights` fills."""
        return torch.empty_like(self.trained[0])

    @abstractmethod
    def write_weights(self, weights_rw: Tensor, training: bool) -> None:
        """Fill in the network's weights, for training or evaluation."""

    @abstractmethod
    def trained_gradients(self, grads_rw: Tensor) -> list[Tensor]:
        """Return the gradient of each trained row.

        `grads_rw` is the gradient of the network's weights, and is overwritten.
        """

    def build_network(self, implementation: Implementation, problem: StackedProblem) -> Network:
        """Return the network that these weights belong to."""
        return implementation.network(problem)

    @abstractmethod
    def rows_of(self, arms: StackedArms) -> tuple[list[Tensor], list[Tensor]]:
        """Return the trained and the frozen rows of arms at their start."""

    def refill(self, slot: int, arm: StackedArms) -> None:
        """Put one other arm into a slot, in place, at its start."""
        for tensors, rows in zip((self.trained, self.frozen), self.rows_of(arm), strict=True):
            for tensor, row in zip(tensors, rows, strict=True):
                tensor[slot].copy_(row[0])

    def restore_slot(self, slot: int, trained: Sequence[Tensor], state: Mapping[str, Any]) -> None:
        """Continue a slot's arm from its saved rows, and from the state of its random generator."""
        for tensor, row in zip(self.trained, trained, strict=True):
            tensor[slot].copy_(row)

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these; a row may be named several times."""
        self.trained = [t[rows] for t in self.trained]
        self.frozen = [t[rows] for t in self.frozen]

    def generator_state(self, row: int) -> dict[str, Tensor]:
        """Return the state of an arm's random generator, if any.

        It is saved with the arm.
        """
        return {}
