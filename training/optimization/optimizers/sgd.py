"""Gradient descent with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.optimization.optimizers.base import Optimizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from training.optimization.optimizers.base import Update
    from training.optimization.slots.adamw_eager import SlotUpdate
    from training.optimization.slots.slot_settings import SlotSettings


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Gradient descent without momentum; it carries no state."""

    name: Literal["sgd"] = "sgd"

    def build_update(
        self, trained: Sequence[Tensor], state: Mapping[str, Sequence[Tensor]], step: int
    ) -> Update:
        """Return the update θ ← (1 − lr·weight_decay)·θ − lr·gradient."""
        from training.models.kernels.by_arm import arm_rows

        rows = arm_rows(trained)

        def update(gradients: Sequence[Tensor], lr: float) -> None:
            for tensor, gradient in zip(rows, arm_rows(gradients), strict=True):
                tensor.mul_(1 - lr * self.weight_decay).sub_(gradient, alpha=lr)

        return update

    def slot_update(
        self,
        trained: Sequence[Tensor],
        state: Mapping[str, Sequence[Tensor]],
        settings: SlotSettings,
        mask_rw: Tensor | None,
    ) -> SlotUpdate | None:
        """Return gradient descent of all slots; None for a subclass with its own."""
        from training.optimization.slots.sgd_eager import sgd_update

        if not self.updates_as(SGD):
            return None
        return sgd_update(trained, settings, mask_rw)

    def torch_optimizer(
        self, parameters: Sequence[torch.nn.Parameter], fused: bool = False
    ) -> torch.optim.Optimizer:
        """Return `torch.optim.SGD` with these settings."""
        import torch

        return torch.optim.SGD(parameters, self.lr, weight_decay=self.weight_decay, fused=fused or None)
