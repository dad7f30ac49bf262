"""Attention of each pair: weighted sums of tables' rows.

A place is what the network can tell apart: a token, or a token at a position. A pair enters through few
places, so whatever is linear is done on tables over places, once per step (`stacked_network`).

Shapes: r arms, n pairs, t positions, s places, l places of the last position, h heads, k = d_head,
d = d_model, m = d_mlp, p classes, j = m + p, v tokens, o = h·s + l rows of the table of the stream,
i = t·h + 1 rows that a pair takes of it, a = r·n.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import embedding_bag

from training.models.kernels.fused import fused_loops
from training.models.kernels.row_sums import RowSums
from training.models.network import Shapes, StackedProblem, Weights
from training.models.transformer.weight_names import W_E, W_IN, W_POS, W_Q, W_U, has_equals, n_residues

TILE = 32
"""Places whose rows stay in the cache: the fused loops take pairs tile by tile."""


class Places:
    """Places: tokens, or tokens at positions, if those count.

    Places of the last position come last.
    """

    def __init__(self, shapes: Shapes):
        self.p, self.equals, self.has_positions = n_residues(shapes), has_equals(shapes), W_POS in shapes
        self.n_blocks = 2 if self.has_positions else 1
        self.b_from = self.p if self.has_positions else 0
        self.n = self.n_blocks * self.p + self.equals
        self.n_last = 1 if self.equals else self.p

    def of_pairs(self, pairs: Tensor) -> Tensor:
        """Return the (…, position) places of (…, 2) residues."""
        a, b = pairs.unbind(-1)
        last = [torch.full_like(a, self.n - 1)] if self.equals else []
        return torch.stack([a, self.b_from + b, *last], dim=-1)

    def embeddings(self, weights: Weights, out_rsd: Tensor) -> Tensor:
        """Write each place's embedding, its position's added."""
        token_rvd, residues = weights[W_E], self.n_blocks * self.p
        by_block = out_rsd[:, :residues].unflatten(1, (self.n_blocks, self.p))
        token_r1pd = token_rvd[:, None, : self.p]
        if not self.has_positions:
            by_block.copy_(token_r1pd)
            if self.equals:
                out_rsd[:, -1].copy_(token_rvd[:, self.p])
            return out_rsd
        position_rtd = weights[W_POS]
        torch.add(token_r1pd, position_rtd[:, :2, None], out=by_block)
        if self.equals:
            torch.add(token_rvd[:, self.p], position_rtd[:, 2], out=out_rsd[:, -1])
        return out_rsd

    def embeddings_gradient(self, x_grad_rsd: Tensor, grads: Weights) -> None:
        """Write the gradients of the tokens' and the positions' embeddings."""
        by_block = x_grad_rsd[:, : self.n_blocks * self.p].unflatten(1, (self.n_blocks, self.p))
        torch.sum(by_block, 1, out=grads[W_E][:, : self.p])
        if self.equals:
            grads[W_E][:, self.p].copy_(x_grad_rsd[:, -1])
        if self.has_positions:
            torch.sum(by_block, 2, out=grads[W_POS][:, :2])
            if self.equals:
                grads[W_POS][:, 2].copy_(x_grad_rsd[:, -1])


class PlaceTables(NamedTuple):
    """Tables over places, computed once per step for all pairs, in buffers."""

    x_rsd: Tensor
    q_rhlk: Tensor
    k_rhsk: Tensor
    v_rhsk: Tensor
    score_rhls: Tensor
    """Products of queries and keys, not yet over √d_head."""
    stream_rod: Tensor
    """Rows that sum to a pair's residual stream: OV outputs by head and place, then last embeddings."""
    read_rdj: Tensor
    """W_in and W_U side by side."""
    reads_roj: Tensor
    """Inputs of neurons and logits from each row of the stream; biases are in the last embeddings' rows."""
    fold_rmp: Tensor
    """R = W_out W_U."""


class PairAttention:
    """Neurons and direct logits of each pair: sums of table rows, weighted by attention.

    Parameters
    ----------
    places : Places
    pairs_rn2 : Tensor
        Residues of each arm's pairs.
    problem : StackedProblem
        Shapes of the weights, device and dtype.
    attention_rate : float
        Share α of the softmax in the attention; the rest is 1 for every position.
    """

    def __init__(
        self, places: Places, pairs_rn2: Tensor, problem: StackedProblem, attention_rate: float = 1.0
    ):
        (n_heads, _, d_head), (_, self.m), (_, n_classes) = (
            problem.shapes[name] for name in (W_Q, W_IN, W_U)
        )
        n_arms, n, _ = pairs_rn2.shape
        self.places, self.n_heads, self.rate, self.scale = places, n_heads, attention_rate, d_head**-0.5
        self.fused = fused_loops(problem.device, problem.dtype)
        self.place_rnt = places.of_pairs(pairs_rn2)
        self.last_rn = torch.empty_like(self.place_rnt[..., 0])
        self.order_rn = torch.empty_like(self.last_rn)
        n_positions = self.place_rnt.shape[2]
        self.n_rows, self.n_scores = n_heads * places.n + places.n_last, places.n_last * places.n
        self.hidden_rnm = problem.buffer(n, self.m)
        self.direct_rnp = problem.buffer(n, n_classes)
        self.score_grad_rhls = problem.buffer(n_heads, places.n_last, places.n)
        self.reads_grad_roj = problem.buffer(self.n_rows, self.m + n_classes)
        # The last embedding's weight is 1; the others are written at every step.
        self.weight_rni = problem.buffer(n, n_positions * n_heads + 1).fill_(1)
        self.pattern_rnth = self.weight_rni[..., :-1].unflatten(2, (n_positions, n_heads))
        self.softmax_rnth = problem.buffer(n, n_positions, n_heads)
        self._make_indices(n_arms, n, n_positions)
        for arm, pairs_n2 in enumerate(pairs_rn2):
            self.replace(arm, pairs_n2)

    def _make_indices(self, n_arms: int, n: int, n_positions: int) -> None:
        """Make the index tables of torch's operations, filled by `replace`."""
        count = partial(torch.arange, device=self.place_rnt.device)
        n_taken = n_positions * self.n_heads + 1
        self.score_rnt = torch.zeros_like(self.place_rnt)
        self.row_rni = self.place_rnt.new_zeros(n_arms, n, n_taken)
        self.pair_rni = count(n_arms * n).repeat_interleave(n_taken)
        self.first_rn = count(n_arms * n) * n_taken
        self.score_sums = RowSums(
            self.score_rnt.flatten(1), count(n * n_positions), self.n_scores, n * n_positions
        )
        pair_c = count(n).repeat_interleave(n_taken)
        self.row_sums = RowSums(self.row_rni.flatten(1), pair_c, self.n_rows, n)

    def replace(self, arm: int, pairs_n2: Tensor) -> None:
        """Overwrite the pairs of an arm."""
        place_nt, n_places = self.places.of_pairs(pairs_n2), self.places.n
        last_n = place_nt[:, -1] - (n_places - self.places.n_last)
        self.place_rnt[arm], self.last_rn[arm] = place_nt, last_n
        self.order_rn[arm] = (place_nt[:, 0] // TILE * n_places + place_nt[:, 1] // TILE).argsort(stable=True)
        score_nt = last_n[:, None] * n_places + place_nt
        heads_h = torch.arange(self.n_heads, device=place_nt.device)
        ov_ni = rearrange(n_places * heads_h + place_nt[..., None], "n t h -> n (t h)")
        row_ni = torch.cat([ov_ni, self.n_heads * n_places + last_n[:, None]], dim=1)
        self.score_rnt[arm], self.row_rni[arm] = score_nt + arm * self.n_scores, row_ni + arm * self.n_rows
        self.score_sums.replace(arm, score_nt.flatten())
        self.row_sums.replace(arm, row_ni.flatten())

    def forward(self, tables: PlaceTables) -> tuple[Tensor, Tensor]:
        """Return neurons after the ReLU and direct logits, (arm, pair, …), overwritten by the next call."""
        if self.fused is not None:
            stacked = (*self._indices(), self.softmax_rnth, self.hidden_rnm, self.direct_rnp)
            tables_r = tables.score_rhls.flatten(2), tables.reads_roj
            settings = self.scale, self.rate, self.places.n
            for score, reads, *rest in _arms(*tables_r, *stacked):
                self.fused.attend(score, reads, *settings, *rest)
            return self.hidden_rnm, self.direct_rnp
        score = rearrange(tables.score_rhls, "r h l s -> (r l s) h") * self.scale
        torch.softmax(score[self.score_rnt], 2, out=self.softmax_rnth)
        self.pattern_rnth.copy_(self.softmax_rnth)
        if self.rate != 1:
            self.pattern_rnth.mul_(self.rate).add_(1 - self.rate)
        bags = self.row_rni.flatten(), tables.reads_roj.flatten(0, 1), self.first_rn
        sums = embedding_bag(*bags, mode="sum", per_sample_weights=self.weight_rni.flatten())
        read_rnj = sums.unflatten(0, self.weight_rni.shape[:2])
        return torch.clamp(read_rnj[..., : self.m], min=0, out=self.hidden_rnm), read_rnj[..., self.m :]

    def backward(
        self, hidden_grad_rnm: Tensor, error_rnp: Tensor, tables: PlaceTables
    ) -> tuple[Tensor, Tensor]:
        """Return the gradients of `score_rhls` and of `reads_roj`.

        `forward` was called before. `hidden_grad_rnm` may be overwritten.
        """
        if self.fused is not None:
            stacked = hidden_grad_rnm, self.hidden_rnm, error_rnp, tables.reads_roj
            results = self.softmax_rnth, self.score_grad_rhls.flatten(2), self.reads_grad_roj
            settings = self.scale, self.rate, self.places.n
            for *given, place, last, order, softmax, score_grad, reads_grad in _arms(
                *stacked, *self._indices(), *results
            ):
                self.fused.attend_backward(
                    *given, *settings, place, last, order, softmax, score_grad, reads_grad
                )
            return self.score_grad_rhls, self.reads_grad_roj
        slope = torch.ops.aten.threshold_backward.grad_input
        slope(hidden_grad_rnm, self.hidden_rnm, 0, grad_input=hidden_grad_rnm)
        grad_aj = torch.cat([hidden_grad_rnm, error_rnp], dim=2).flatten(0, 1)
        reads_grad = self.row_sums.sums(grad_aj, self.weight_rni.flatten())
        # Each row's dot product with its pair's gradient, without a copy of the rows as large as t·h pairs.
        weight_grad = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            grad_aj, tables.reads_roj.flatten(0, 1), self.row_rni.flatten(), self.first_rn, self.pair_rni, 0
        )
        pattern_grad_rnth = weight_grad.view_as(self.weight_rni)[..., :-1].view_as(self.pattern_rnth)
        score_grad_rnth = torch.ops.aten._softmax_backward_data(
            pattern_grad_rnth, self.softmax_rnth, 2, self.softmax_rnth.dtype
        )
        score_grad = self.score_sums.sums(score_grad_rnth.flatten(0, 2))
        by_place_rlsh = score_grad.view(len(error_rnp), self.places.n_last, self.places.n, self.n_heads)
        score_grad_rhls = rearrange(by_place_rlsh, "r l s h -> r h l s")
        torch.mul(score_grad_rhls, self.scale * self.rate, out=self.score_grad_rhls)
        return self.score_grad_rhls, reads_grad.view_as(tables.reads_roj)

    def _indices(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.place_rnt, self.last_rn, self.order_rn


def _arms(*stacked: Tensor) -> Iterator[tuple[Any, ...]]:
    """Return each arm's parts of tensors, as NumPy's views."""
    return zip(*(part.numpy() for part in stacked), strict=True)
