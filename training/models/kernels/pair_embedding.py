"""Sums of two rows of a table for each pair.

This is the first layer of a network that adds its two inputs.

Shapes: r arms, n pairs, p residues, m columns of the table.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from training.models.kernels.row_sums import RowSums


class PairSum:
    """Linear map from a table to pairs, T[a] + T[b]."""

    def __init__(self, pairs: Tensor, p: int, sums_rnm: Tensor, spare_rnm: Tensor):
        n_arms, n_pairs = sums_rnm.shape[:2]
        self.sums_rnm, self.spare_rnm = sums_rnm, spare_rnm
        first_row = p * torch.arange(n_arms, device=pairs.device)
        self.a, self.b = (rearrange(first_row[:, None] + token, "r n -> (r n)") for token in pairs.T)
        pair = torch.arange(n_arms * n_pairs, device=pairs.device)
        self.row_sums = RowSums(torch.cat([self.a, self.b]), pair.repeat(2), n_arms * p)

    def forward(self, table_rpm: Tensor) -> Tensor:
        """Return (arm, pair, neuron) sums, overwritten by the next call."""
        rows = table_rpm.flatten(0, 1)
        torch.index_select(rows, 0, self.a, out=self.sums_rnm.flatten(0, 1))
        torch.index_select(rows, 0, self.b, out=self.spare_rnm.flatten(0, 1))
        return self.sums_rnm.add_(self.spare_rnm)

    def backward(self, grad_rnm: Tensor) -> Tensor:
        """Return each residue's sum over its pairs, (arm, residue, neuron)."""
        table = self.row_sums.sums(grad_rnm.flatten(0, 1))
        return table.view(grad_rnm.shape[0], -1, grad_rnm.shape[2])
