"""Base class of the parametrizations, and the arms they parametrize.

Shapes: r arms, w weights of an arm in a row (layer after layer).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    """Each (r, w), never changed."""

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

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        self.trained = [t[rows] for t in self.trained]
        self.frozen = [t[rows] for t in self.frozen]

    def generator_state(self, row: int) -> dict[str, Tensor]:
        """Return the state of an arm's random generator, if any.

        It is saved with the arm.
        """
        return {}

    def restore(self, trained: list[Tensor], states: Sequence[Mapping[str, Any]]) -> None:
        """Continue from saved rows and states of random generators."""
        self.trained = trained

    rebuilds_network = False

    def restore_slot(self, slot, trained, state):
        for t, row in zip(self.trained, trained, strict=True):
            t[slot].copy_(row)
        if "generator" in state:
            self.generators[slot].set_state(state["generator"])

    def refill(self, slot, arm):
        mask = arm.mask_rw if arm.mask_rw is not None else torch.ones_like(arm.weights_rw)
        self.trained[0][slot].copy_((arm.weights_rw * mask)[0])
        for t in self.frozen:
            t[slot].copy_(mask[0])
