"""Sums of two rows of a table for each pair.

This is the first layer of a network that adds its two inputs.

Shapes: r arms, n pairs, p residues, m columns of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import embedding_bag

from training.models.kernels.fused import fused_loops
from training.models.kernels.row_sums import RowSums


class PairSum:
    """Linear map from a table to pairs, T[a] + T[b], with or without a ReLU.

    Parameters
    ----------
    pairs_rn2 : Tensor
        Residues of each arm's pairs.
    p : int
        Rows of the table.
    sums_rnm : Tensor
        Buffer of the fused loops.
    """

    def __init__(self, pairs_rn2: Tensor, p: int, sums_rnm: Tensor):
        n_arms, n_pairs = sums_rnm.shape[:2]
        self.p, self.sums_rnm = p, sums_rnm
        self.fused = fused_loops(sums_rnm.device, sums_rnm.dtype)
        self.token_2rn = rearrange(pairs_rn2, "r n two -> two r n").clone(
            memory_format=torch.contiguous_format
        )
        first_row = p * torch.arange(n_arms, device=pairs_rn2.device)
        self.row_rn2 = pairs_rn2 + first_row[:, None, None]
        self.first_of_pair = 2 * torch.arange(n_arms * n_pairs, device=pairs_rn2.device)
        value_c = torch.arange(n_pairs, device=pairs_rn2.device).repeat(2)
        occurrences = rearrange(self.token_2rn, "two r n -> r (two n)")
        self.row_sums = RowSums(occurrences, value_c, p, n_pairs)

    def replace(self, arm: int, pairs_n2: Tensor) -> None:
        """Overwrite the pairs of an arm."""
        self.token_2rn[:, arm] = pairs_n2.T
        self.row_rn2[arm] = pairs_n2 + arm * self.p
        self.row_sums.replace(arm, rearrange(pairs_n2, "n two -> (two n)"))

    def forward(self, table_rpm: Tensor) -> Tensor:
        """Return (arm, pair, neuron) sums, overwritten by the next call."""
        return self._forward(table_rpm, rectify=False)

    def rectified(self, table_rpm: Tensor) -> Tensor:
        """Return (arm, pair, neuron) sums after a ReLU, overwritten by the next call."""
        return self._forward(table_rpm, rectify=True)

    def backward(self, grad_rnm: Tensor) -> Tensor:
        """Return each residue's sum over its pairs, (arm, residue, neuron)."""
        table = self.row_sums.sums(grad_rnm.flatten(0, 1))
        return table.view(grad_rnm.shape[0], -1, grad_rnm.shape[2])

    def rectified_backward(self, grad_rnm: Tensor, hidden_rnm: Tensor, table_rpm: Tensor) -> Tensor:
        """Return `backward` of a gradient where the ReLU's output is positive.

        `grad_rnm` and the buffer `table_rpm` may be overwritten.
        """
        if self.fused is None:
            slope = torch.ops.aten.threshold_backward.grad_input
            return self.backward(slope(grad_rnm, hidden_rnm, 0, grad_input=grad_rnm))
        for a, b, grad, hidden, table in self._arms(grad_rnm, hidden_rnm, table_rpm):
            self.fused.sum_rows_where_positive(grad, hidden, a, b, table)
        return table_rpm

    def _forward(self, table_rpm: Tensor, rectify: bool) -> Tensor:
        if self.fused is not None:
            for a, b, table, sums in self._arms(table_rpm, self.sums_rnm):
                self.fused.add_rows(table, a, b, rectify, sums)
            return self.sums_rnm
        bags = self.row_rn2.flatten(), table_rpm.flatten(0, 1), self.first_of_pair
        sums = embedding_bag(*bags, mode="sum")
        sums_rnm = sums.view_as(self.sums_rnm)
        return sums_rnm.relu_() if rectify else sums_rnm

    def _arms(self, *stacked: Tensor) -> Iterator[tuple[Any, ...]]:
        """Return each arm's first and second residues and parts of tensors, as NumPy's views."""
        return zip(*(part.numpy() for part in (*self.token_2rn, *stacked)), strict=True)
