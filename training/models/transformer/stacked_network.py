"""Stacked transformers of one layer, computed on tables over places.

Attention is causal and only the last position's logits count, so a pair enters through few places, a
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

import torch
from einops import rearrange
from torch import Tensor

from training.models.kernels.batched_matmul import stacked_matmul
from training.models.kernels.by_arm import matvec_by_arm
from training.models.network import Network, StackedProblem, Weights
from training.models.transformer.pair_attention import PairAttention, Places, PlaceTables
from training.models.transformer.weight_names import (
    B_IN,
    B_K,
    B_O,
    B_OUT,
    B_Q,
    B_U,
    B_V,
    W_E,
    W_IN,
    W_K,
    W_O,
    W_OUT,
    W_POS,
    W_Q,
    W_U,
    W_V,
)


class TransformerNetwork(Network):
    """Stacked arms on tables over places, without autograd."""

    def __init__(self, problem: StackedProblem, attention_rate: float = 1.0):
        pairs, n_train, shapes = problem.inputs(), problem.data.n_train, problem.shapes
        self.loss, self.places = problem.loss, Places(shapes, problem.device, problem.dtype)
        self.n_heads, _, d_head = shapes[W_Q]
        self.m, self.scale = shapes[W_IN][1], 1 / math.sqrt(d_head)
        self.train, self.all = (
            PairAttention(self.places, part, problem.n_arms, self.n_heads, problem.dtype, attention_rate)
            for part in (pairs[:n_train], pairs)
        )
        self.train_hidden_rnm, self.all_hidden_rnm = (
            problem.buffer(n, self.m) for n in (n_train, len(pairs))
        )

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, pair, class) logits of every pair."""
        tables = self._tables(weights)
        return self._logits(tables, self.all.forward(tables), self.all_hidden_rnm)

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        tables, m, hidden_rnm = self._tables(weights), self.m, self.train_hidden_rnm
        read_rnj = self.train.forward(tables)
        error_rnp = self.loss.gradient_(self._logits(tables, read_rnj, hidden_rnm))
        fold_grad_rmp = stacked_matmul(hidden_rnm.mT, error_rnp)
        hidden_grad_rnm = stacked_matmul(error_rnp, tables.fold_rmp.mT)
        read_grad_rnj = read_rnj  # which is done with
        torch.mul(hidden_grad_rnm, hidden_rnm.sign_(), out=read_grad_rnj[..., :m])  # relu's slope
        read_grad_rnj[..., m:] = error_rnp
        score_grad_rlsh, reads_grad_roj = self.train.backward(read_grad_rnj, tables)

        read_grad_rdj = stacked_matmul(tables.stream_rod.mT, reads_grad_roj)
        grads[W_IN].copy_(read_grad_rdj[..., :m])
        grads[W_U].copy_(read_grad_rdj[..., m:]).add_(weights[W_OUT].mT @ fold_grad_rmp)
        grads[W_OUT].copy_(fold_grad_rmp @ weights[W_U].mT)
        stream_grad_rod = stacked_matmul(reads_grad_roj, tables.read_rdj.mT)
        last_grad_rlj = reads_grad_roj[:, -self.places.n_last :]
        if B_IN in weights:
            grads[B_IN].copy_(last_grad_rlj[..., :m].sum(1))
        if B_OUT in weights or B_U in weights:
            logit_grad_rp = last_grad_rlj[..., m:].sum(1)
        if B_OUT in weights:
            grads[B_OUT].copy_(matvec_by_arm(weights[W_U], logit_grad_rp))
            grads[W_U].add_(torch.einsum("r d, r p -> r d p", weights[B_OUT], logit_grad_rp))
        if B_U in weights:
            grads[B_U].copy_(logit_grad_rp)
        self._attention_gradient(weights, tables, score_grad_rlsh, stream_grad_rod, grads)

    def _tables(self, weights: Weights) -> PlaceTables:
        x_rsd = self.places.token_sv @ weights[W_E]
        if W_POS in weights:
            x_rsd += self.places.position_st @ weights[W_POS]
        last_rld = x_rsd[:, -self.places.n_last :]
        q_rhlk, k_rhsk, v_rhsk = (
            at[:, None] @ weights[name] for at, name in ((last_rld, W_Q), (x_rsd, W_K), (x_rsd, W_V))
        )
        for table, name in ((q_rhlk, B_Q), (k_rhsk, B_K), (v_rhsk, B_V)):
            if name in weights:
                table += weights[name][:, :, None]
        if B_O in weights:
            last_rld = last_rld + weights[B_O][:, None]
        score_rlsh = rearrange(q_rhlk @ k_rhsk.mT, "r h l s -> r l s h") * self.scale
        stream_rod = torch.cat([(v_rhsk @ weights[W_O]).flatten(1, 2), last_rld], dim=1)
        read_rdj = torch.cat([weights[W_IN], weights[W_U]], dim=2)
        reads_roj = stacked_matmul(stream_rod, read_rdj)
        last_rlj = reads_roj[:, -self.places.n_last :]
        if B_IN in weights:
            last_rlj[..., : self.m] += weights[B_IN][:, None]
        if B_OUT in weights or B_U in weights:
            last_rlj[..., self.m :] += _logit_bias(weights)[:, None]
        fold_rmp = weights[W_OUT] @ weights[W_U]
        return PlaceTables(
            x_rsd, q_rhlk, k_rhsk, v_rhsk, score_rlsh.contiguous(), stream_rod, read_rdj, reads_roj, fold_rmp
        )

    def _logits(self, tables: PlaceTables, read_rnj: Tensor, hidden_rnm: Tensor) -> Tensor:
        """Return the logits, and write the neurons into `hidden_rnm`."""
        torch.clamp(read_rnj[..., : self.m], min=0, out=hidden_rnm)
        return stacked_matmul(hidden_rnm, tables.fold_rmp).add_(read_rnj[..., self.m :])

    def _attention_gradient(
        self,
        weights: Weights,
        tables: PlaceTables,
        score_grad_rlsh: Tensor,
        stream_grad_rod: Tensor,
        grads: Weights,
    ) -> None:
        """Write the gradients of attention's weights and of the embeddings."""
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
        for name, grad in ((B_Q, q_grad_rhlk), (B_K, k_grad_rhsk), (B_V, v_grad_rhsk)):
            if name in weights:
                grads[name].copy_(grad.sum(2))
        if B_O in weights:
            grads[B_O].copy_(last_grad_rld.sum(1))
        x_grad_rsd = (k_grad_rhsk @ weights[W_K].mT + v_grad_rhsk @ weights[W_V].mT).sum(1)
        x_grad_rsd[:, -n_last:] += (q_grad_rhlk @ weights[W_Q].mT).sum(1) + last_grad_rld
        grads[W_E].copy_(self.places.token_sv.mT @ x_grad_rsd)
        if W_POS in weights:
            grads[W_POS].copy_(self.places.position_st.mT @ x_grad_rsd)


def _logit_bias(weights: Weights) -> Tensor:
    """Return what trained b_out W_U + b_U add to all logits, (arm, class)."""
    if B_OUT not in weights:
        return weights[B_U]
    through_unembedding_rp = matvec_by_arm(weights[W_U].mT, weights[B_OUT])
    return through_unembedding_rp + weights[B_U] if B_U in weights else through_unembedding_rp
