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

import torch
from torch import Tensor

from training.models.kernels.batched_matmul import head_matmul, stacked_matmul
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
    W_IN,
    W_K,
    W_O,
    W_OUT,
    W_Q,
    W_U,
    W_V,
)
from training.tasks.dataset import Dataset


class TransformerNetwork(Network):
    """Stacked arms on tables over places, without autograd."""

    def __init__(self, problem: StackedProblem, attention_rate: float = 1.0):
        n, pairs_rn2, shapes, buffer = (
            problem.data.n_train,
            problem.stacked_inputs(),
            problem.shapes,
            problem.buffer,
        )
        self.loss, self.places = problem.loss, Places(shapes)
        (h, d, k), (_, m), (_, p) = (shapes[name] for name in (W_Q, W_IN, W_U))
        self.n_heads, self.m = h, m
        self.train, self.all = (
            PairAttention(self.places, part, problem, attention_rate)
            for part in (pairs_rn2[:, :n], pairs_rn2)
        )
        self.train_logits_rnp, self.all_logits_rnp = buffer(n, p), buffer(pairs_rn2.shape[1], p)
        self.hidden_grad_rnm, self.fold_grad_rpm = buffer(n, m), buffer(p, m)
        n_places, n_last = self.places.n, self.places.n_last
        n_rows = h * n_places + n_last
        self.tables = PlaceTables(
            x_rsd=buffer(n_places, d),
            q_rhlk=buffer(h, n_last, k),
            k_rhsk=buffer(h, n_places, k),
            v_rhsk=buffer(h, n_places, k),
            score_rhls=buffer(h, n_last, n_places),
            stream_rod=buffer(n_rows, d),
            read_rdj=buffer(d, m + p),
            reads_roj=buffer(n_rows, m + p),
            fold_rmp=buffer(m, p),
        )
        self.q_grad_rhlk, self.k_grad_rhsk, self.v_grad_rhsk = (
            torch.empty_like(table) for table in self.tables[1:4]
        )
        self.stream_grad_rod, self.x_grad_rsd = (
            torch.empty_like(t) for t in (self.tables.stream_rod, self.tables.x_rsd)
        )
        self.x_grad_rgsd, self.last_grad_rhld = buffer(2 * h, n_places, d), buffer(h, n_last, d)
        self.unembedding_grad_rdp = buffer(d, p)

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, pair, class) logits of every pair, overwritten by the next call."""
        return self._logits(self._tables(weights), self.all, self.all_logits_rnp)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's pairs."""
        pairs_n2 = torch.as_tensor(data.inputs, device=self.loss.device)
        self.all.replace(slot, pairs_n2)
        self.train.replace(slot, pairs_n2[: data.n_train])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        tables, m = self._tables(weights), self.m
        error_rnp = self.loss.gradient_(self._logits(tables, self.train, self.train_logits_rnp))
        # A product whose result has short rows is slower than the one that gives its transpose.
        fold_grad_rmp = stacked_matmul(error_rnp.mT, self.train.hidden_rnm, out=self.fold_grad_rpm).mT
        hidden_grad_rnm = stacked_matmul(error_rnp, tables.fold_rmp.mT, out=self.hidden_grad_rnm)
        score_grad_rhls, reads_grad_roj = self.train.backward(hidden_grad_rnm, error_rnp, tables)

        stacked_matmul(tables.stream_rod.mT, reads_grad_roj[..., :m], out=grads[W_IN])
        stacked_matmul(tables.stream_rod.mT, reads_grad_roj[..., m:], out=grads[W_U])
        grads[W_U].add_(stacked_matmul(weights[W_OUT].mT, fold_grad_rmp, out=self.unembedding_grad_rdp))
        stacked_matmul(fold_grad_rmp, weights[W_U].mT, out=grads[W_OUT])
        stacked_matmul(reads_grad_roj, tables.read_rdj.mT, out=self.stream_grad_rod)
        last_grad_rlj = reads_grad_roj[:, -self.places.n_last :]
        if B_IN in weights:
            torch.sum(last_grad_rlj[..., :m], 1, out=grads[B_IN])
        if B_OUT in weights or B_U in weights:
            logit_grad_rp = last_grad_rlj[..., m:].sum(1)
        if B_OUT in weights:
            grads[B_OUT].copy_(matvec_by_arm(weights[W_U], logit_grad_rp))
            grads[W_U].addcmul_(weights[B_OUT][:, :, None], logit_grad_rp[:, None])
        if B_U in weights:
            grads[B_U].copy_(logit_grad_rp)
        self._attention_gradient(weights, score_grad_rhls, grads)

    def _tables(self, weights: Weights) -> PlaceTables:
        tables, n_last = self.tables, self.places.n_last
        x_rsd = self.places.embeddings(weights, tables.x_rsd)
        last_rld = x_rsd[:, -n_last:]
        head_matmul(self._by_head(last_rld), weights[W_Q], out=tables.q_rhlk)
        head_matmul(self._by_head(x_rsd), weights[W_K], out=tables.k_rhsk)
        head_matmul(self._by_head(x_rsd), weights[W_V], out=tables.v_rhsk)
        for table, name in ((tables.q_rhlk, B_Q), (tables.k_rhsk, B_K), (tables.v_rhsk, B_V)):
            if name in weights:
                table += weights[name][:, :, None]
        head_matmul(tables.q_rhlk, tables.k_rhsk.mT, out=tables.score_rhls)
        ov_rhsd = tables.stream_rod[:, :-n_last].unflatten(1, (self.n_heads, -1))
        head_matmul(tables.v_rhsk, weights[W_O], out=ov_rhsd)
        if B_O in weights:
            torch.add(last_rld, weights[B_O][:, None], out=tables.stream_rod[:, -n_last:])
        else:
            tables.stream_rod[:, -n_last:].copy_(last_rld)
        torch.cat([weights[W_IN], weights[W_U]], dim=2, out=tables.read_rdj)
        stacked_matmul(tables.stream_rod, tables.read_rdj, out=tables.reads_roj)
        last_rlj = tables.reads_roj[:, -n_last:]
        if B_IN in weights:
            last_rlj[..., : self.m] += weights[B_IN][:, None]
        if B_OUT in weights or B_U in weights:
            last_rlj[..., self.m :] += _logit_bias(weights)[:, None]
        stacked_matmul(weights[W_OUT], weights[W_U], out=tables.fold_rmp)
        return tables

    def _by_head(self, table_rsd: Tensor) -> Tensor:
        """Return the table once for every head, not copied."""
        return table_rsd[:, None].expand(-1, self.n_heads, -1, -1)

    def _logits(self, tables: PlaceTables, pairs: PairAttention, out_rnp: Tensor) -> Tensor:
        hidden_rnm, direct_rnp = pairs.forward(tables)
        return stacked_matmul(hidden_rnm, tables.fold_rmp, out=out_rnp).add_(direct_rnp)

    def _attention_gradient(self, weights: Weights, score_grad_rhls: Tensor, grads: Weights) -> None:
        """Write the gradients of attention's weights and of the embeddings."""
        tables, n_last, h = self.tables, self.places.n_last, self.n_heads
        x_rhds = self._by_head(tables.x_rsd).mT
        ov_grad_rhsd = self.stream_grad_rod[:, :-n_last].unflatten(1, (h, -1))
        last_grad_rld = self.stream_grad_rod[:, -n_last:]
        q_grad_rhlk = head_matmul(score_grad_rhls, tables.k_rhsk, out=self.q_grad_rhlk)
        k_grad_rhsk = head_matmul(score_grad_rhls.mT, tables.q_rhlk, out=self.k_grad_rhsk)
        v_grad_rhsk = head_matmul(ov_grad_rhsd, weights[W_O].mT, out=self.v_grad_rhsk)
        head_matmul(tables.v_rhsk.mT, ov_grad_rhsd, out=grads[W_O])
        head_matmul(x_rhds[..., -n_last:], q_grad_rhlk, out=grads[W_Q])
        head_matmul(x_rhds, k_grad_rhsk, out=grads[W_K])
        head_matmul(x_rhds, v_grad_rhsk, out=grads[W_V])
        for name, grad in ((B_Q, q_grad_rhlk), (B_K, k_grad_rhsk), (B_V, v_grad_rhsk)):
            if name in weights:
                torch.sum(grad, 2, out=grads[name])
        if B_O in weights:
            torch.sum(last_grad_rld, 1, out=grads[B_O])
        head_matmul(k_grad_rhsk, weights[W_K].mT, out=self.x_grad_rgsd[:, :h])
        head_matmul(v_grad_rhsk, weights[W_V].mT, out=self.x_grad_rgsd[:, h:])
        head_matmul(q_grad_rhlk, weights[W_Q].mT, out=self.last_grad_rhld)
        x_grad_rsd = torch.sum(self.x_grad_rgsd, 1, out=self.x_grad_rsd)
        x_grad_rsd[:, -n_last:] += self.last_grad_rhld.sum(1).add_(last_grad_rld)
        self.places.embeddings_gradient(x_grad_rsd, grads)


def _logit_bias(weights: Weights) -> Tensor:
    """Return what trained b_out W_U + b_U add to all logits, (arm, class)."""
    if B_OUT not in weights:
        return weights[B_U]
    through_unembedding_rp = matvec_by_arm(weights[W_U].mT, weights[B_OUT])
    return through_unembedding_rp + weights[B_U] if B_U in weights else through_unembedding_rp
