"""A transformer of one layer on pairs of residues: its plain forward, and its gradient by hand.

The tokens of a pair are a and b, and a third one, `=`, if the embedding has a row more than there are
classes. Attention is causal and only the last position's logits count, so a pair enters through few places, a
place being what the network can tell apart: a token, or a token at a position. Whatever is linear is done on
tables over places, once per step. A pair's attention is the softmax of two or three entries of the table of
scores. Its residual stream before the MLP is a weighted sum of some rows of one table, the OV outputs of all
places and the embeddings of those of the last position; and since the MLP and the logits read the stream
through [W_in W_U], the same sum of the rows of that table times [W_in W_U] is what the neurons and the
logits get. So a pair costs that sum, a ReLU, and a product with R = W_out W_U. The function and its gradient
are those of TransformerLens' HookedTransformer without LayerNorm.

Shapes: r arms, n pairs, t positions, s places, l places of the last position, h heads, k = d_head,
d = d_model, m = d_mlp, p classes, j = m + p, v tokens, o = h·s + l rows of the table of the stream,
i = t·h + 1 rows that a pair takes of it, a = r·n.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import embedding, embedding_bag, one_hot, pad

from training.models.kernels.batched_matmul import product
from training.models.kernels.embedding_bag import Bags
from training.models.network import Network, Shapes, Weights
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss

W_E, W_POS, W_U, B_U = "embed.W_E", "pos_embed.W_pos", "unembed.W_U", "unembed.b_U"
W_Q, W_K, W_V, W_O, B_Q, B_K, B_V, B_O = (f"blocks.0.attn.{kind}_{of}" for kind in "Wb" for of in "QKVO")
W_IN, W_OUT, B_IN, B_OUT = (f"blocks.0.mlp.{kind}_{of}" for kind in "Wb" for of in ("in", "out"))


class Pass(NamedTuple):
    """What one network computes of pairs, layer by layer."""

    pattern: Tensor
    """(pair, head, position) attention of the last position."""
    hidden: Tensor
    """(pair, neuron) activations, after the ReLU."""
    logits: Tensor
    """(pair, class) at the last position."""


def forward(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
    """(pair, 2) residues → (pair, class) logits at the last position, layer by layer."""
    return run(weights, embed(weights, pairs)).logits


def embed(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
    """(pair, 2) residues → (pair, position, d_model) embeddings of the tokens and of their positions."""
    n_tokens, p = weights[W_E].shape[0], weights[W_U].shape[1]
    tokens = pad(pairs, (0, n_tokens - p), value=p)  # `=` if there is one
    return embedding(tokens, weights[W_E]) + weights.get(W_POS, 0.0)


def run(weights: Mapping[str, Tensor], resid: Tensor) -> Pass:
    """From what `embed` gives to the logits. Biases that are not among the weights are zero."""

    def bias(name: str, axes: str = "... -> ...") -> Tensor | float:
        return rearrange(weights[name], axes) if name in weights else 0.0

    q = torch.einsum("n d, h d k -> n h k", resid[:, -1], weights[W_Q]) + bias(B_Q)
    k = torch.einsum("n t d, h d k -> n h t k", resid, weights[W_K]) + bias(B_K, "h k -> h 1 k")
    v = torch.einsum("n t d, h d k -> n h t k", resid, weights[W_V]) + bias(B_V, "h k -> h 1 k")
    pattern = torch.softmax(torch.einsum("n h k, n h t k -> n h t", q, k) / math.sqrt(q.shape[-1]), -1)
    attn_out = torch.einsum("n h t, n h t k, h k d -> n d", pattern, v, weights[W_O]) + bias(B_O)
    mid = resid[:, -1] + attn_out
    hidden = torch.relu(mid @ weights[W_IN] + bias(B_IN))
    return Pass(pattern, hidden, (mid + hidden @ weights[W_OUT] + bias(B_OUT)) @ weights[W_U] + bias(B_U))


def flow(weights: Mapping[str, Tensor]) -> Tensor:
    """Synaptic flow R: what ones at every token and every position bring to the logits at the last position.

    The weights are absolute. The ReLU is the identity; attention is uniform over the positions, whatever
    W_Q and W_K are, which therefore have no part in R; biases have none either. With x_t = 1ᵀW_E + W_pos[t],
    R = (x_last + mean_t x_t W_V W_O)(1 + W_in W_out) W_U 1. Every path passes W_U and one of W_E and W_pos;
    the residual stream leads around the other matrices, so only a part of R passes through them.
    """
    embedded = weights[W_E].sum(0)  # (d,), every token
    last = average = embedded
    if W_POS in weights:
        last, average = embedded + weights[W_POS][-1], embedded + weights[W_POS].mean(0)
    mid = last + torch.einsum("d, h d k, h k e -> e", average, weights[W_V], weights[W_O])
    return ((mid + mid @ weights[W_IN] @ weights[W_OUT]) @ weights[W_U]).sum()


class Places:
    """The places that the network tells apart, those of the last position at the end."""

    def __init__(self, shapes: Shapes, device: torch.device, dtype: torch.dtype):
        n_tokens, p = shapes[W_E][0], shapes[W_U][1]
        self.equals = n_tokens > p
        self.b_from = p if W_POS in shapes else 0
        tokens = torch.arange(p).repeat(2 if W_POS in shapes else 1)
        if self.equals:
            tokens = torch.cat([tokens, torch.tensor([p])])
        self.n, self.n_last = len(tokens), 1 if self.equals else p
        self.token_sv = one_hot(tokens, n_tokens).to(device, dtype)
        if W_POS in shapes:
            positions = torch.tensor([0] * p + [1] * p + [2] * self.equals)
            self.position_st = one_hot(positions, shapes[W_POS][0]).to(device, dtype)

    def of(self, pairs: Tensor) -> Tensor:
        """(pair, 2) residues → (pair, position) places."""
        a, b = pairs.T
        last = [torch.full_like(a, self.n - 1)] if self.equals else []
        return torch.stack([a, self.b_from + b, *last], dim=1)


class Tables(NamedTuple):
    """What a step computes before it looks at any pair."""

    x_rsd: Tensor
    q_rhlk: Tensor
    k_rhsk: Tensor
    v_rhsk: Tensor
    score_rlsh: Tensor
    stream_rod: Tensor
    """What a pair's residual stream may be a sum of: OV outputs by head and place, then last embeddings."""
    read_rdj: Tensor
    """W_in and W_U side by side."""
    reads_roj: Tensor
    """What neurons and logits read of each row of the stream; biases are in the last embeddings' rows."""
    fold_rmp: Tensor
    """R = W_out W_U."""


class PairAttention:
    """From the tables to sums of rows for each pair, weighted by its attention; and the transpose."""

    def __init__(self, places: Places, pairs: Tensor, n_arms: int, n_heads: int, dtype: torch.dtype):
        def count(n: int) -> Tensor:
            return torch.arange(n, device=pairs.device)

        place_nt, n_places, n_last = places.of(pairs), places.n, places.n_last
        last_n1 = place_nt[:, -1:] - (n_places - n_last)
        arm_r11 = rearrange(count(n_arms), "r -> r 1 1")
        self.score_rnt = (arm_r11 * n_last + last_n1) * n_places + place_nt
        n_scores = n_arms * n_last * n_places
        self.score_bags = Bags(self.score_rnt.flatten(), count(self.score_rnt.numel()), n_scores)
        ov_ni = rearrange(n_places * count(n_heads) + place_nt[..., None], "n t h -> n (t h)")
        row_ni = torch.cat([ov_ni, n_heads * n_places + last_n1], dim=1)
        n_rows = n_heads * n_places + n_last
        self.row_ai = rearrange(arm_r11 * n_rows + row_ni, "r n i -> (r n) i")
        self.first_of_pair = count(len(self.row_ai)) * row_ni.shape[1]
        self.pair_of = count(len(self.row_ai)).repeat_interleave(row_ni.shape[1])
        self.row_bags = Bags(self.row_ai.flatten(), self.pair_of, n_arms * n_rows)
        # The last embedding's weight is 1; the others are written at every step.
        self.weight_rni = torch.ones(n_arms, *row_ni.shape, device=pairs.device, dtype=dtype)
        self.pattern_rnth = self.weight_rni[..., :-1].unflatten(2, (-1, n_heads))

    def forward(self, tables: Tables) -> Tensor:
        """(arm, pair, j) what neurons and logits read of each pair's residual stream; a tensor of its own."""
        self.pattern_rnth.copy_(tables.score_rlsh.flatten(0, 2)[self.score_rnt].softmax(2))
        reads = tables.reads_roj.flatten(0, 1)
        weights = self.weight_rni.flatten(0, 1)
        sums = embedding_bag(self.row_ai, reads, mode="sum", per_sample_weights=weights)
        return sums.unflatten(0, self.weight_rni.shape[:2])

    def backward(self, grad_rnj: Tensor, tables: Tables) -> tuple[Tensor, Tensor]:
        """The gradients of `score_rlsh` and of `reads_roj`."""
        reads_grad = self.row_bags.sums(grad_rnj.flatten(0, 1), self.weight_rni.flatten())
        stream_grad_rnd = product(grad_rnj, tables.read_rdj.mT)
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
        weighted_rnth = pattern_grad_rnth * self.pattern_rnth
        score_grad_rnth = weighted_rnth - self.pattern_rnth * weighted_rnth.sum(2, keepdim=True)
        score_grad = self.score_bags.sums(score_grad_rnth.flatten(0, 2))
        return score_grad.view_as(tables.score_rlsh), reads_grad.view_as(tables.reads_roj)


class TransformerNetwork(Network):
    """Logits on all pairs and the training gradient of stacked arms, without autograd."""

    def __init__(
        self, shapes: Shapes, data: Dataset, loss: Loss, n_arms: int, device: torch.device, dtype: torch.dtype
    ):
        pairs = torch.as_tensor(data.inputs, device=device)
        self.loss, self.places = loss, Places(shapes, device, dtype)
        self.n_heads, _, d_head = shapes[W_Q]
        self.m, self.scale = shapes[W_IN][1], 1 / math.sqrt(d_head)
        self.train, self.all = (
            PairAttention(self.places, part, n_arms, self.n_heads, dtype)
            for part in (pairs[: data.n_train], pairs)
        )
        self.train_hidden_rnm, self.all_hidden_rnm = (
            torch.empty(n_arms, n, self.m, device=device, dtype=dtype) for n in (data.n_train, len(pairs))
        )

    def outputs(self, weights: Weights) -> Tensor:
        """(arm, pair, class) logits of every pair."""
        tables = self._tables(weights)
        return self._logits(tables, self.all.forward(tables), self.all_hidden_rnm)

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's mean loss over the training pairs into `grads`."""
        tables, m, hidden_rnm = self._tables(weights), self.m, self.train_hidden_rnm
        read_rnj = self.train.forward(tables)
        error_rnp = self.loss.error_(self._logits(tables, read_rnj, hidden_rnm))
        error_rnp.mul_(1 / error_rnp.shape[1])  # the mean's 1/n
        fold_grad_rmp = product(hidden_rnm.mT, error_rnp)
        hidden_grad_rnm = product(error_rnp, tables.fold_rmp.mT)
        read_grad_rnj = read_rnj  # which is done with
        torch.mul(hidden_grad_rnm, hidden_rnm.sign_(), out=read_grad_rnj[..., :m])  # relu's slope
        read_grad_rnj[..., m:] = error_rnp
        score_grad_rlsh, reads_grad_roj = self.train.backward(read_grad_rnj, tables)

        read_grad_rdj = product(tables.stream_rod.mT, reads_grad_roj)
        grads[W_IN].copy_(read_grad_rdj[..., :m])
        grads[W_U].copy_(read_grad_rdj[..., m:]).add_(weights[W_OUT].mT @ fold_grad_rmp)
        grads[W_OUT].copy_(fold_grad_rmp @ weights[W_U].mT)
        stream_grad_rod = product(reads_grad_roj, tables.read_rdj.mT)
        if B_O in weights:
            last_grad_rlj = reads_grad_roj[:, -self.places.n_last :]
            grads[B_IN].copy_(last_grad_rlj[..., :m].sum(1))
            grads[B_U].copy_(last_grad_rlj[..., m:].sum(1))
            grads[B_OUT].copy_(torch.einsum("r d p, r p -> r d", weights[W_U], grads[B_U]))
            grads[W_U].add_(torch.einsum("r d, r p -> r d p", weights[B_OUT], grads[B_U]))
        self._attention_gradient(weights, tables, score_grad_rlsh, stream_grad_rod, grads)

    def _tables(self, weights: Weights) -> Tables:
        x_rsd = self.places.token_sv @ weights[W_E]
        if W_POS in weights:
            x_rsd += self.places.position_st @ weights[W_POS]
        last_rld = x_rsd[:, -self.places.n_last :]
        q_rhlk, k_rhsk, v_rhsk = (
            at[:, None] @ weights[name] for at, name in ((last_rld, W_Q), (x_rsd, W_K), (x_rsd, W_V))
        )
        if B_O in weights:
            for table, name in ((q_rhlk, B_Q), (k_rhsk, B_K), (v_rhsk, B_V)):
                table += weights[name][:, :, None]
            last_rld = last_rld + weights[B_O][:, None]
        score_rlsh = rearrange(q_rhlk @ k_rhsk.mT, "r h l s -> r l s h") * self.scale
        stream_rod = torch.cat([(v_rhsk @ weights[W_O]).flatten(1, 2), last_rld], dim=1)
        read_rdj = torch.cat([weights[W_IN], weights[W_U]], dim=2)
        reads_roj = product(stream_rod, read_rdj)
        if B_O in weights:
            to_logits_rp = torch.einsum("r d, r d p -> r p", weights[B_OUT], weights[W_U]) + weights[B_U]
            reads_roj[:, -self.places.n_last :] += torch.cat([weights[B_IN], to_logits_rp], dim=1)[:, None]
        fold_rmp = weights[W_OUT] @ weights[W_U]
        return Tables(
            x_rsd, q_rhlk, k_rhsk, v_rhsk, score_rlsh.contiguous(), stream_rod, read_rdj, reads_roj, fold_rmp
        )

    def _logits(self, tables: Tables, read_rnj: Tensor, hidden_rnm: Tensor) -> Tensor:
        """Logits from what is read of the stream; leaves the neurons in `hidden_rnm`."""
        torch.clamp(read_rnj[..., : self.m], min=0, out=hidden_rnm)
        return product(hidden_rnm, tables.fold_rmp).add_(read_rnj[..., self.m :])

    def _attention_gradient(
        self,
        weights: Weights,
        tables: Tables,
        score_grad_rlsh: Tensor,
        stream_grad_rod: Tensor,
        grads: Weights,
    ) -> None:
        """From the scores and the stream back to the embeddings."""
        n_last, x_rhsd = self.places.n_last, tables.x_rsd[:, None]
        ov_grad_rhsd = stream_grad_rod[:, :-n_last].unflatten(1, (self.n_heads, -1))
        last_grad_rld = stream_grad_rod[:, -n_last:]
        score_grad_rhls = rearrange(score_grad_rlsh, "r l s h -> r h l s") * self.scale
        q_grad_rhlk = score_grad_rhls @ tables.k_rhsk
        k_grad_rhsk = score_grad_rhls.mT @ tables.q_rhlk
        v_grad_rhsk = ov_grad_rhsd @ weights[W_O].mT
        grads[W_O].copy_(tables.v_rhsk.mT @ ov_grad_rhsd)
        grads[W_Q].copy_(x_rhsd[:, :, -n_last:].mT @ q_grad_rhlk)
        grads[W_K].copy_(x_rhsd.mT @ k_grad_rhsk)
        grads[W_V].copy_(x_rhsd.mT @ v_grad_rhsk)
        if B_O in weights:
            for name, grad in ((B_Q, q_grad_rhlk), (B_K, k_grad_rhsk), (B_V, v_grad_rhsk)):
                grads[name].copy_(grad.sum(2))
            grads[B_O].copy_(last_grad_rld.sum(1))
        x_grad_rsd = (k_grad_rhsk @ weights[W_K].mT + v_grad_rhsk @ weights[W_V].mT).sum(1)
        x_grad_rsd[:, -n_last:] += (q_grad_rhlk @ weights[W_Q].mT).sum(1) + last_grad_rld
        grads[W_E].copy_(self.places.token_sv.mT @ x_grad_rsd)
        if W_POS in weights:
            grads[W_POS].copy_(self.places.position_st.mT @ x_grad_rsd)
