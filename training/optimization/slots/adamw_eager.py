"""AdamW for all slots by torch's elementwise kernels.

Shapes: r slots, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from training.optimization.slots.slot_settings import ROWS, SlotSettings

SlotUpdate = Callable[[Sequence[Tensor]], None]
"""Change the trained tensors of all slots by their gradients."""
COPIED = slice(ROWS.index("mean_rate"), ROWS.index("eps") + 1)
"""Rows of the settings that the update takes as they are."""


def eager_update(
    trained: Sequence[Tensor],
    state: Mapping[str, Sequence[Tensor]],
    settings: SlotSettings,
    mask_rw: Tensor | None,
) -> SlotUpdate:
    """Return AdamW of all slots; it reads no value on the host and keeps no number of its own.

    Parameters as `Optimizer.slot_update`.
    """
    scalars_kr = torch.empty(6, len(trained[0]), dtype=trained[0].dtype, device=trained[0].device)
    decay, step_size, root, mean_rate, square_rate, eps = scalars_kr[:, :, None]  # (r, 1) each
    work = [torch.empty_like(t) for t in trained]
    is_empty = settings.is_empty[:, None]

    def compute_scalars() -> None:
        lr = settings.lr_now()
        mean_correction, square_correction = settings.bias_corrections()
        torch.mul(lr, settings.weight_decay, out=scalars_kr[0])
        torch.div(lr, mean_correction, out=scalars_kr[1])
        torch.sqrt(square_correction, out=scalars_kr[2])
        scalars_kr[3:].copy_(settings.values[COPIED])

    def update(gradients: Sequence[Tensor]) -> None:
        compute_scalars()
        for w, g, m, v, a in zip(trained, gradients, state["mean"], state["square"], work, strict=True):
            mask_gradient(g, mask_rw, is_empty)
            w.addcmul_(w, decay, value=-1)
            m.lerp_(g, mean_rate)
            torch.mul(g, g, out=a)
            v.lerp_(a, square_rate)
            torch.sqrt(v, out=a)
            torch.addcdiv(eps, a, root, out=a)
            torch.div(m, a, out=a)
            w.addcmul_(a, step_size, value=-1)

    return update


def mask_gradient(gradient_rw: Tensor, mask_rw: Tensor | None, is_empty_r1: Tensor) -> None:
    """Set the gradient of pruned weights and of empty slots to zero, in place."""
    if mask_rw is not None:
        gradient_rw.mul_(mask_rw)
    gradient_rw.masked_fill_(is_empty_r1, 0.0)  # not a product: infinity × 0 is not a number
