"""AdamW: Adam with decoupled weight decay."""

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
class AdamW(Optimizer):
    """Adam with decoupled weight decay, by torch's fused kernel.

    References
    ----------
    .. [1] Loshchilov and Hutter, arXiv:1711.05101, Algorithm 2.
    """

    state_names = ("mean", "square")
    gradient_sums = ("mean",)

    name: Literal["adamw"] = "adamw"

    def build_update(
        self, trained: Sequence[Tensor], state: Mapping[str, Sequence[Tensor]], step: int
    ) -> Update:
        """Return the update by running means of gradients and squares."""
        import torch

        from training.models.kernels.by_arm import arm_rows

        parameters, means, squares = map(arm_rows, (trained, state["mean"], state["square"]))
        step_taken = torch.tensor(float(step), device=parameters[0].device)
        steps_taken = [step_taken] * len(parameters)

        def update(gradients: Sequence[Tensor], lr: float) -> None:
            step_taken.add_(1)
            # What `torch.optim.adamw.adamw` calls, after checks that take as long as small arms' update.
            torch._fused_adamw_(
                parameters,
                arm_rows(gradients),
                means,
                squares,
                [],
                steps_taken,
                lr=lr,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=self.weight_decay,
                eps=self.eps,
                amsgrad=False,
                maximize=False,
            )

        return update

    def slot_update(
        self,
        trained: Sequence[Tensor],
        state: Mapping[str, Sequence[Tensor]],
        settings: SlotSettings,
        mask_rw: Tensor | None,
    ) -> SlotUpdate | None:
        """Return AdamW by one Triton kernel or by torch; None for a subclass with its own."""
        from training.optimization.slots.adamw_choice import adamw_update

        if not self.updates_as(AdamW):
            return None
        return adamw_update(trained, state, settings, mask_rw)

    def torch_optimizer(
        self, parameters: Sequence[torch.nn.Parameter], fused: bool = False
    ) -> torch.optim.Optimizer:
        """Return `torch.optim.AdamW` with these settings."""
        import torch

        settings = {"betas": self.betas, "eps": self.eps, "weight_decay": self.weight_decay}
        return torch.optim.AdamW(parameters, self.lr, **settings, fused=fused or None)  # type: ignore[arg-type]
