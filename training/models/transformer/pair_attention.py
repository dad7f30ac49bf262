"""Attention of each pair: weighted sums of tables' rows.

A place is what the network can tell apart: a token, or a token at a position. A pair enters through few
places, so whatever is linear is done on tables over places, once per step (`stacked_network`).

Shapes: r arms, n pairs, t positions, s places, l places of the last position, h heads, k = d_head,
d = d_model, m = d_mlp, p classes, j = m + p, v tokens, o = h·s + l rows of the table of the stream,
i = t·h + 1 rows that a pair takes of it, a = r·n.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import embedding_bag, one_hot

from training.models.kernels.batched_matmul import stacked_matmul
from training.models.kernels.row_sums import RowSums
from training.models.network import Shapes
from training.models.transformer.weight_names import W_E, W_POS, has_equals, n_residues


class Places:
    """Places: tokens, or tokens at positions, if those count.

    Places of the last position come last.
    """

    def __init__(self, shapes: Shapes, device: torch.device, dtype: torch.dtype):
        n_tokens, p, self.equals = shapes[W_E][0], n_residues(shapes), has_equals(shapes)
        self.b_from = p if W_POS in shapes else 0
        tokens = torch.arange(p).repeat(2 if W_POS in shapes else 1)
        if self.equals:
            tokens = torch.cat([tokens, torch.tensor([p])])
        self.n, self.n_last = len(tokens), 1 if self.equals else p
        self.token_sv = one_hot(tokens, n_tokens).to(device, dtype)
        if W_POS in shapes:
            positions = torch.tensor([0] * p + [1] * p + [2] * self.equals)
            self.position_st = one_hot(positions, shapes[W_POS][0]).to(device, dtype)

    def of_pairs(self, pairs: Tensor) -> Tensor:
        """Return the (pair, position) places of (pair, 2) residues."""
        a, b = pairs.T
        last = [torch.full_like(a, self.n - 1)] if self.equals else []
        return torch.stack([a, self.b_from + b, *last], dim=1)


class PlaceTables(NamedTuple):
    """Tables over places, computed once per step for all pairs."""

    x_rsd: Tensor
    q_rhlk: Tensor
    k_rhsk: Tensor
    v_rhsk: Tensor
    score_rlsh: Tensor
    stream_rod: Tensor
    """Rows that sum to a pair's residual stream: OV outputs by head and place, then last embeddings."""
    read_rdj: Tensor
    """W_in and W_U side by side."""
    reads_roj: Tensor
    """Inputs of neurons and logits from each row of the stream; biases are in the last embeddings' rows."""
    fold_rmp: Tensor
    """R = W_out W_U."""


class PairAttention:
    """Sums of table rows for each pair, weighted by attention."""

    def __init__(
        self,
        places: Places,
        pairs: Tensor,
        n_arms: int,
        n_heads: int,
        dtype: torch.dtype,
        attention_rate: float = 1.0,
    ):
        def count(n: int) -> Tensor:
            return torch.arange(n, device=pairs.device)

        place_nt, n_places, n_last = places.of_pairs(pairs), places.n, places.n_last
        last_n1 = place_nt[:, -1:] - (n_places - n_last)
        arm_r11 = rearrange(count(n_arms), "r -> r 1 1")
        self.score_rnt = (arm_r11 * n_last + last_n1) * n_places + place_nt
        n_scores = n_arms * n_last * n_places
        self.score_sums = RowSums(self.score_rnt.flatten(), count(self.score_rnt.numel()), n_scores)
        ov_ni = rearrange(n_places * count(n_heads) + place_nt[..., None], "n t h -> n (t h)")
        row_ni = torch.cat([ov_ni, n_heads * n_places + last_n1], dim=1)
        n_rows = n_heads * n_places + n_last
        self.row_ai = rearrange(arm_r11 * n_rows + row_ni, "r n i -> (r n) i")
        self.first_of_pair = count(len(self.row_ai)) * row_ni.shape[1]
        self.pair_of = count(len(self.row_ai)).repeat_interleave(row_ni.shape[1])
        self.row_sums = RowSums(self.row_ai.flatten(), self.pair_of, n_arms * n_rows)
        # The last embedding's weight is 1; the others are written at every step.
        self.weight_rni = torch.ones(n_arms, *row_ni.shape, device=pairs.device, dtype=dtype)
        self.pattern_rnth = self.weight_rni[..., :-1].unflatten(2, (-1, n_heads))
        self.rate = attention_rate
        # At rate 1 the pattern is the softmax, and keeps its buffer.
        self.softmax_rnth = self.pattern_rnth if attention_rate == 1 else torch.empty_like(self.pattern_rnth)

    def forward(self, tables: PlaceTables) -> Tensor:
        """Return (arm, pair, j) inputs of neurons and logits."""
        self.softmax_rnth.copy_(tables.score_rlsh.flatten(0, 2)[self.score_rnt].softmax(2))
        if self.rate != 1:
            self.pattern_rnth.copy_(self.softmax_rnth).mul_(self.rate).add_(1 - self.rate)
        reads = tables.reads_roj.flatten(0, 1)
        weights = self.weight_rni.flatten(0, 1)
        sums = embedding_bag(self.row_ai, reads, mode="sum", per_sample_weights=weights)
        return sums.unflatten(0, self.weight_rni.shape[:2])

    def backward(self, grad_rnj: Tensor, tables: PlaceTables) -> tuple[Tensor, Tensor]:
        """Return the gradients of `score_rlsh` and of `reads_roj`."""
        reads_grad = self.row_sums.sums(grad_rnj.flatten(0, 1), self.weight_rni.flatten())
        stream_grad_rnd = stacked_matmul(grad_rnj, tables.read_rdj.mT)
        # Each row's dot product with its pair's gradient, without a copy of the rows as large as t·h pairs.
        weight_grad = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            stream_grad_rnd.flatten(0, 1),
            tables.stream_rod.flatten(0, 1),
            self.row_ai.flatten(),
            self.first_of_pair,
            self.pair_of,
            0,
        )
        pattern_grad_rnth = weight_grad.view_as(self.weight_rni)[..., :-1].view_as(self.pattern_rnth)
        weighted_rnth = pattern_grad_rnth * self.softmax_rnth
        score_grad_rnth = weighted_rnth - self.softmax_rnth * weighted_rnth.sum(2, keepdim=True)
        if self.rate != 1:
            score_grad_rnth *= self.rate
        score_grad = self.score_sums.sums(score_grad_rnth.flatten(0, 2))
        return score_grad.view_as(tables.score_rlsh), reads_grad.view_as(tables.reads_roj)
