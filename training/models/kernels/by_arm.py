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

LONGEST_VECTOR = 16
"""Most numbers that one instruction computes."""


def arm_rows(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return every arm's part of stacked tensors where arms would change each other's bits, else the tensors.

    That is on the CPU, unless the parts are whole vectors: then none has last entries.
    """
    return [row for t in tensors for row in (t.unbind() if _splits_vectors(t) else [t])]


def _splits_vectors(stacked: Tensor) -> bool:
    return stacked.device.type == "cpu" and len(stacked) > 1 and stacked[0].numel() % LONGEST_VECTOR > 0


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
