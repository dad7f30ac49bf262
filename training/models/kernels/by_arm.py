"""Elementwise functions and products of stacked arms, one arm at a time.

A tensor's last entries are computed by scalar instructions, which round otherwise than the vector
instructions for all others; which entries are last depends on the arms that are stacked. And `torch.bmm` adds
up the products of a matrix and a vector in another order for one arm than for several. So on the CPU both are
done one arm at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def arm_rows(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return every arm's part of stacked tensors on the CPU, the tensors elsewhere."""
    return [row for t in tensors for row in (t.unbind() if t.device.type == "cpu" else [t])]


def by_arm_(function_: Callable[..., object], *stacked: Tensor) -> Tensor:
    """Apply an elementwise function that writes its last argument; return that."""
    for parts in zip(*(arm_rows([t]) for t in stacked), strict=True):
        function_(*parts)
    return stacked[-1]


def bmm_by_arm(a_rij: Tensor, b_rjk: Tensor, *, out: Tensor) -> Tensor:
    """Write a @ b into `out`, one arm at a time on every device."""
    for row in range(len(a_rij)):
        arm = slice(row, row + 1)
        torch.bmm(a_rij[arm], b_rjk[arm], out=out[arm])
    return out


def matvec_by_arm(a_rij: Tensor, v_rj: Tensor) -> Tensor:
    """Return a @ v for each arm."""
    if a_rij.device.type != "cpu":
        return torch.einsum("r i j, r j -> r i", a_rij, v_rj)
    return torch.stack([a_ij @ v_j for a_ij, v_j in zip(a_rij, v_rj, strict=True)])
