"""AdamW for all slots by one Triton kernel; importing this file imports triton.

Per weight in single precision the kernel reads w, g, m, v and the mask (20 bytes) and writes w, m, v (12
bytes): 32 bytes a weight and step, 28 without a mask. It reads nothing of an empty slot but its flag.

Shapes: r slots, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from training.optimization.slots.slot_settings import ROWS, SlotSettings

BLOCK = 2048
"""Weights that one program updates: many, as each computes its slot's few numbers in float64 anew."""


@triton.jit
@no_type_check  # triton compiles the function from its source, without other decorators
def adamw_kernel(
    w_ptr,
    g_ptr,
    m_ptr,
    v_ptr,
    mask_ptr,
    values_ptr,
    n_slots,
    n_weights,
    HAS_MASK: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Update one block of one slot's weights; the rows of values are `slot_settings.ROWS`."""
    slot = tl.program_id(1)
    live = tl.load(values_ptr + 2 * n_slots + slot)
    if live > 0:
        lr = tl.load(values_ptr + slot)
        weight_decay = tl.load(values_ptr + n_slots + slot)
        mean_rate = tl.load(values_ptr + 3 * n_slots + slot)
        square_rate = tl.load(values_ptr + 4 * n_slots + slot)
        eps = tl.load(values_ptr + 5 * n_slots + slot)
        beta1 = tl.load(values_ptr + 6 * n_slots + slot)
        beta2 = tl.load(values_ptr + 7 * n_slots + slot)
        warmup_steps = tl.load(values_ptr + 8 * n_slots + slot)
        age = tl.load(values_ptr + 9 * n_slots + slot)

        lr = tl.where(age < warmup_steps, lr * age / tl.maximum(warmup_steps, 1.0), lr)
        # βᵗ by logarithms, of a β that may be 0
        mean_correction = 1 - tl.exp((age + 1) * tl.log(tl.maximum(beta1, 1e-300)))
        square_correction = 1 - tl.exp((age + 1) * tl.log(tl.maximum(beta2, 1e-300)))

        column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        inside = column < n_weights
        place = slot.to(tl.int64) * n_weights + column
        w = tl.load(w_ptr + place, inside, other=0.0)
        g = tl.load(g_ptr + place, inside, other=0.0)
        m = tl.load(m_ptr + place, inside, other=0.0)
        v = tl.load(v_ptr + place, inside, other=0.0)
        if HAS_MASK:
            g = g * tl.load(mask_ptr + place, inside, other=0.0).to(g.dtype)
        w = w - (lr * weight_decay).to(w.dtype) * w
        m = m + mean_rate.to(w.dtype) * (g - m)
        v = v + square_rate.to(w.dtype) * (g * g - v)
        root = tl.sqrt(square_correction).to(w.dtype)
        w = w - (lr / mean_correction).to(w.dtype) * (m / (tl.sqrt(v) / root + eps.to(w.dtype)))
        tl.store(w_ptr + place, w, inside)
        tl.store(m_ptr + place, m, inside)
        tl.store(v_ptr + place, v, inside)


def triton_update(
    trained: Sequence[Tensor],
    state: Mapping[str, Sequence[Tensor]],
    settings: SlotSettings,
    mask_rw: Tensor | None,
    kernel: Any = adamw_kernel,
) -> Callable[[Sequence[Tensor]], None]:
    """Return AdamW of all slots, one launch of the kernel per trained tensor.

    Parameters as `Optimizer.slot_update`, all contiguous; gradients stay as they are.
    """
    fixed = [*trained, *state["mean"], *state["square"], *([] if mask_rw is None else [mask_rw])]
    assert all(t.is_contiguous() and t.dtype in (torch.float32, torch.float64) for t in fixed)
    assert ROWS.index("age") == 9 and ROWS.index("live") == 2  # as the kernel reads them
    values = settings.values
    n_slots = values.shape[1]

    def update(gradients: Sequence[Tensor]) -> None:
        for w, g, m, v in zip(trained, gradients, state["mean"], state["square"], strict=True):
            n_weights, mask = w.shape[1], w if mask_rw is None else mask_rw
            tensors = (w, g.contiguous(), m, v, mask, values)
            constants = {"HAS_MASK": mask_rw is not None, "BLOCK": BLOCK}
            with torch.cuda.device_of(w):  # triton launches on the current device; no effect on the CPU
                kernel[triton.cdiv(n_weights, BLOCK), n_slots](*tensors, n_slots, n_weights, **constants)

    return update
