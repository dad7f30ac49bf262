"""Forward pass of a one-layer transformer on pairs, with heads and neurons apart.

All that depends on one token or on two is computed once per token, and pairs only look it up: a pass costs
little beside the products with the neurons' weights. Pairs are last, as elsewhere in this folder.

n  pairs      h  heads      k = d_head      d = d_model      m  neurons      p  residues      t  positions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from einops import rearrange

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
    n_residues,
)
from training.models.weight_names import shapes_of

BLOCK_SIZE = 1024
"""Number of pairs whose neurons are computed together: they stay in the cache."""


@dataclass(frozen=True)
class TransformerPass:
    """Heads, neurons and logits of pairs at the last position."""

    z: np.ndarray
    """(h k, n): what each head has read, attention times values, before W_O."""
    last: np.ndarray
    """(n,): row of every pair in what its last token adds."""
    pre_of_last: np.ndarray
    """(m, rows): what the last token and biases give the neurons."""
    direct_of_last: np.ndarray
    """(p, rows): what they add to the logits around the neurons."""
    reads: np.ndarray
    """(h k, m): W_O W_in."""
    passes: np.ndarray
    """(h k, p): W_O W_U."""
    writes: np.ndarray
    """(m, p): W_out W_U."""
    attention_bias: tuple[np.ndarray, np.ndarray]
    """What b_O adds to every neuron, (m,), and to the logits around them, (p,)."""
    mlp_bias: np.ndarray
    """(p,): what b_out adds to the logits."""
    n_heads: int

    @classmethod
    def of(cls, weights: Mapping[str, np.ndarray], pairs: np.ndarray, rate: float = 1.0) -> TransformerPass:
        """Return the pass of weights on pairs (n, 2) of residues.

        Logits of = are left out.

        Parameters
        ----------
        rate : float
            The model's attention rate.
        """
        W = {name: w.astype(np.float64) for name, w in weights.items()}
        p = n_residues(shapes_of(W))
        d, m = W[W_IN].shape
        W_U_p, b_U = W[W_U][:, :p], W.get(B_U, np.zeros(p))[:p]
        b_O, b_out = (W.get(name, np.zeros(d)) for name in (B_O, B_OUT))
        W_O_flat = rearrange(W[W_O], "h k d -> (h k) d")
        attention_bias, mlp_bias = (b_O @ W[W_IN], b_O @ W_U_p), b_out @ W_U_p
        tables, rows = _tokens(W, pairs, p)
        return cls(
            z=_read(W, tables, rows, rate),
            last=rows[-1],
            pre_of_last=(tables[-1] @ W[W_IN] + attention_bias[0] + W.get(B_IN, np.zeros(m))).T,
            direct_of_last=(tables[-1] @ W_U_p + attention_bias[1] + mlp_bias + b_U).T,
            reads=W_O_flat @ W[W_IN],
            passes=W_O_flat @ W_U_p,
            writes=W[W_OUT] @ W_U_p,
            attention_bias=attention_bias,
            mlp_bias=mlp_bias,
            n_heads=len(W[W_O]),
        )

    def at(self, columns: np.ndarray) -> TransformerPass:
        """Return the pass of some of the pairs."""
        return replace(self, z=np.ascontiguousarray(self.z[:, columns]), last=self.last[columns])

    @cached_property
    def pre(self) -> np.ndarray:
        """Neurons before the ReLU, (m, n)."""
        return self._plus_last(self.reads.T @ self.z, self.pre_of_last, slice(None))

    @cached_property
    def direct(self) -> np.ndarray:
        """Logits without the neurons, (p, n)."""
        return self._plus_last(self.passes.T @ self.z, self.direct_of_last, slice(None))

    def logits(self) -> np.ndarray:
        """Return the logits, (p, n)."""
        logits = np.empty((self.passes.shape[1], self.z.shape[1]))
        for block in self._blocks():
            z = np.ascontiguousarray(self.z[:, block])
            pre = self._plus_last(self.reads.T @ z, self.pre_of_last, block)
            direct = self._plus_last(self.passes.T @ z, self.direct_of_last, block)
            np.add(direct, self.writes.T @ np.maximum(pre, 0, out=pre), out=logits[:, block])
        return logits

    def logits_after(self, change: np.ndarray, heads: slice) -> np.ndarray:
        """Return the logits, (p, n), with rows `heads` of `z` changed."""
        reads, passes = self.reads[heads].T, self.passes[heads].T
        logits = np.empty_like(self.direct)
        for block in self._blocks():
            changed = np.ascontiguousarray(change[:, block])
            pre = reads @ changed
            pre += self.pre[:, block]
            direct = passes @ changed + self.direct[:, block]
            np.add(direct, self.writes.T @ np.maximum(pre, 0, out=pre), out=logits[:, block])
        return logits

    def read_as(self, z: np.ndarray, last: np.ndarray, with_bias: bool) -> TransformerPass:
        """Return the pass of pairs whose heads have read `z`."""
        pre_bias, direct_bias = (0.0 if with_bias else bias[:, None] for bias in self.attention_bias)
        pre, direct = self.pre_of_last - pre_bias, self.direct_of_last - direct_bias
        return replace(self, z=z, last=last, pre_of_last=pre, direct_of_last=direct)

    def _blocks(self) -> Iterator[slice]:
        return (slice(start, start + BLOCK_SIZE) for start in range(0, len(self.last), BLOCK_SIZE))

    def _plus_last(self, values: np.ndarray, of_last: np.ndarray, block: slice) -> np.ndarray:
        """Return values of pairs plus what their last tokens add; values are overwritten."""
        values += of_last if of_last.shape[1] == 1 else of_last[:, self.last[block]]
        return values


def _tokens(
    W: Mapping[str, np.ndarray], pairs: np.ndarray, p: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the embeddings at every position, and each pair's rows."""
    position = W.get(W_POS, np.zeros((3, 1)))
    tables = [W[W_E][:p] + position[t] for t in (0, 1)]
    rows = [*pairs.T]
    if len(W[W_E]) > p:  # the token =
        tables.append(W[W_E][p:] + position[2])
        rows.append(np.zeros(len(pairs), dtype=np.int64))
    return tables, rows


def _read(
    W: Mapping[str, np.ndarray], tables: list[np.ndarray], rows: list[np.ndarray], rate: float
) -> np.ndarray:
    """Return what each head has read of every pair, (h k, n)."""

    def mapped(table: np.ndarray, weight: str, bias: str) -> np.ndarray:
        added = W[bias][:, None] if bias in W else 0.0
        return np.einsum("rd, hdk -> hrk", table, W[weight], optimize=True) + added

    query = mapped(tables[-1], W_Q, B_Q) / np.sqrt(W[W_Q].shape[-1])  # (h, last, k)
    of_pairs = [
        (query @ np.swapaxes(mapped(table, W_K, B_K), -1, -2))[:, rows[-1], row]
        for table, row in zip(tables, rows, strict=True)
    ]
    scores = np.stack(of_pairs)  # (t, h, n)
    pattern = np.exp(scores - scores.max(axis=0))
    pattern = rate * (pattern / pattern.sum(axis=0)) + (1 - rate)
    values = [np.swapaxes(mapped(table, W_V, B_V), -1, -2) for table in tables]  # (h, k, token) each
    z = sum(
        attention[:, None] * value[..., row]
        for attention, value, row in zip(pattern, values, rows, strict=True)
    )
    return rearrange(z, "h k n -> (h k) n")
