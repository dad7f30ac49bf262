"""Products of stacked matrices by torch's faster CPU library."""

from __future__ import annotations

import functools
import platform as machine
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# torch.mm is MKL's, which leaves half of an AMD core idle and is the faster one on Intel's. torch has oneDNN
# too, but no public operator of it for dense float32 matrices. This one is what torch.compile writes for a
# linear layer; where it is missing, MKL serves.
_onednn: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


@functools.cache
def _uses_onednn() -> bool:
    is_there = _onednn is not None and torch.backends.mkldnn.is_available()
    return is_there and not (torch.backends.mkl.is_available() and _is_intel())


def _is_intel() -> bool:
    """Return True if this machine's processor says that Intel made it."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.is_file() else machine.processor()
    return "GenuineIntel" in text


def matmul_library(device: str) -> str:
    """Return the library that multiplies stacked float32 matrices on a device."""
    return "onednn" if device == "cpu" and _uses_onednn() else "torch"


def stacked_matmul(a_rij: Tensor, b_rjk: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Return a @ b for each arm, in `out` or in a new tensor.

    On the CPU arms are multiplied one by one, so that none changes the bits of another.
    """
    if out is None:
        out = a_rij.new_empty(len(a_rij), a_rij.shape[1], b_rjk.shape[2])
    if a_rij.device.type != "cpu":
        return torch.bmm(a_rij, b_rjk, out=out)
    is_fast = a_rij.dtype == torch.float32 and _uses_onednn()
    for a, b, product in zip(a_rij, b_rjk, out, strict=True):
        if is_fast:
            product.copy_(_onednn(_packed(a), _packed(b).mT, None, "none", [], ""))
        else:
            torch.mm(a, b, out=product)
    return out


def head_matmul(a_rhij: Tensor, b_rhjk: Tensor, *, out: Tensor) -> Tensor:
    """Write a @ b for each arm and head into `out`.

    A factor that is expanded over heads is not copied on the CPU.
    """
    if a_rhij.device.type != "cpu":
        return out.copy_(a_rhij @ b_rhjk)
    for a, b, product in zip(a_rhij, b_rhjk, out, strict=True):
        torch.bmm(a, b, out=product)
    return out


def _packed(matrix: Tensor) -> Tensor:
    """Return the matrix without gaps between its rows.

    With gaps oneDNN takes a thousand times longer.
    """
    return matrix if matrix.is_contiguous() or matrix.mT.is_contiguous() else matrix.contiguous()
