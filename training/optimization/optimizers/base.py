"""Base class of the optimizers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from training.schema.validation import ConfigError, require, require_positive

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from training.optimization.slots.adamw_eager import SlotUpdate
    from training.optimization.slots.slot_settings import SlotSettings

    Update = Callable[[Sequence[Tensor], float], None]
    """Change the trained tensors by their gradients and a learning rate."""


@dataclass(frozen=True, kw_only=True)
class Optimizer(ABC):
    """Settings of an optimizer on the full batch.

    One step is one epoch. Every optimizer has all of these fields, those that it ignores too: the config of a
    finished run lists them, and its hash covers them.
    """

    state_names: ClassVar[tuple[str, ...]] = ()
    """Tensors carried from step to step and saved with an arm: one of each name per trained tensor."""
    gradient_sums: ClassVar[tuple[str, ...]] = ()
    """Those of `state_names` that are weighted sums of gradients; events remove directions from them."""

    name: str
    lr: float = 1e-3
    """Learning rate."""
    weight_decay: float = 1.0
    """Decoupled: every step multiplies the weights by 1 − lr·weight_decay."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Decay rates of AdamW's two running means; `sgd` ignores them."""
    eps: float = 1e-8
    """Constant in AdamW's denominator; `sgd` ignores it."""
    warmup_steps: int = 0
    """The learning rate after t steps is min(t / warmup_steps, 1) · lr."""

    def __post_init__(self) -> None:
        require_positive("lr", self.lr)
        require_positive("eps", self.eps)
        require(0 <= self.weight_decay < math.inf, "weight_decay", "a number from 0", self.weight_decay)
        require(all(0 <= b < 1 for b in self.betas), "betas", "two numbers in [0, 1)", self.betas)
        require(self.warmup_steps >= 0, "warmup_steps", "a whole number from 0", self.warmup_steps)

    def lr_at(self, step: int) -> float:
        """Return the learning rate after `step` updates."""
        return self.lr * step / self.warmup_steps if step < self.warmup_steps else self.lr

    @abstractmethod
    def build_update(
        self, trained: Sequence[Tensor], state: Mapping[str, Sequence[Tensor]], step: int
    ) -> Update:
        """Return a function that updates the trained tensors in place.

        Parameters
        ----------
        trained : sequence of Tensor
            Tensors to update, (arm, weight) each.
        state : mapping
            For each of `state_names` one tensor per trained tensor, also updated in place; zero at first.
        step : int
            Updates done so far.
        """

    def updates_as(self, cls: type[Optimizer]) -> bool:
        """Return True if neither the update nor the learning rate differs from a class's."""
        mine = type(self)
        return mine.build_update is cls.build_update and mine.lr_at is cls.lr_at

    def slot_update(
        self,
        trained: Sequence[Tensor],
        state: Mapping[str, Sequence[Tensor]],
        settings: SlotSettings,
        mask_rw: Tensor | None,
    ) -> SlotUpdate | None:
        """Return a function that updates all slots in place, each by its own settings.

        None, as here, for an optimizer without one: `build_update` of every slot then does. The function
        reads no value on the host. The caller advances the settings after it. Empty slots keep their values.

        Parameters
        ----------
        trained : sequence of Tensor
            Tensors to update, (slot, weight) each.
        state : mapping
            For each of `state_names` one tensor per trained tensor, also updated in place.
        settings : SlotSettings
            Of every slot; the optimizer's own fields are not read.
        mask_rw : Tensor or None
            1 = kept, of every trained tensor; gradients of pruned weights become zero, maybe in place.
        """
        return None

    def torch_optimizer(
        self, parameters: Sequence[torch.nn.Parameter], fused: bool = False
    ) -> torch.optim.Optimizer:
        """Return torch's optimizer of these settings, without warm-up.

        It is the baseline of `training.bench`.
        """
        raise ConfigError(f"optimizer.name: expected one that torch has, for a comparison, got {self.name!r}")
