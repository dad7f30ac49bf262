"""Gradient descent for all slots by torch's elementwise kernels.

Shapes: r slots, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.optimization.slots.adamw_eager import SlotUpdate, mask_gradient
from training.optimization.slots.slot_settings import SlotSettings


def sgd_update(trained: Sequence[Tensor], settings: SlotSettings, mask_rw: Tensor | None) -> SlotUpdate:
    """Return θ ← (1 − lr·weight_decay)·θ − lr·gradient of all slots; see `Optimizer.slot_update`."""
    scalars_kr = torch.empty(2, len(trained[0]), dtype=trained[0].dtype, device=trained[0].device)
    decay, step_size = scalars_kr[:, :, None]  # (r, 1) each
    is_empty = settings.is_empty[:, None]

    def update(gradients: Sequence[Tensor]) -> None:
        lr = settings.lr_now()
        torch.mul(lr, settings.weight_decay, out=scalars_kr[0])
        scalars_kr[1].copy_(lr)
        for w, g in zip(trained, gradients, strict=True):
            mask_gradient(g, mask_rw, is_empty)
            w.addcmul_(w, decay, value=-1)
            w.addcmul_(g, step_size, value=-1)

    return update
