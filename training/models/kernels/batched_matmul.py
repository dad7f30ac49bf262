"""Products of stacked matrices by torch's faster CPU library."""

from __future__ import annotations

import torch
from torch import Tensor

# torch.bmm is MKL's, which leaves half of an AMD core idle; torch carries oneDNN too, which is twice as fast
# there, but has no public operator for dense float32 matrices. This one is what torch.compile writes for a
# linear layer; where it is missing, MKL serves.
_onednn = (
    getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None
)


def matmul_library(device: str) -> str:
    """Return the library that multiplies stacked float32 matrices on a device."""
    return "onednn" if device == "cpu" and _onednn is not None else "torch"


def stacked_matmul(a_rij: Tensor, b_rjk: Tensor) -> Tensor:
    """Return a @ b for each arm, in a new tensor.

    It pays for matrices of a hundred rows and columns and more.
    """
    if _onednn is None or a_rij.dtype != torch.float32 or a_rij.device.type != "cpu":
        return torch.bmm(a_rij, b_rjk)
    by_arm = [
        _onednn(_packed(a), _packed(b).mT, None, "none", [], "") for a, b in zip(a_rij, b_rjk, strict=True)
    ]
    return torch.stack(by_arm) if len(by_arm) > 1 else by_arm[0][None]


def _packed(matrix: Tensor) -> Tensor:
    """Return the matrix without gaps between its rows.

    With gaps oneDNN takes a thousand times longer.
    """
    return matrix if matrix.is_contiguous() or matrix.mT.is_contiguous() else matrix.contiguous()
