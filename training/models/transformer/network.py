"""Forward pass and synaptic flow of a one-layer transformer.

The tokens of a pair are a and b, and a third one, `=`, if the weights have it (`weight_names.has_equals`).
Shapes: n pairs, t positions, h heads, k = d_head, d = d_model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import embedding, pad

from training.models.implementation import Implementation
from training.models.network import Weights
from training.models.transformer.stacked_network import TransformerNetwork
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
    has_equals,
    n_residues,
)
from training.models.weight_names import shapes_of


class Activations(NamedTuple):
    """Activations of one network on pairs of residues."""

    pattern: Tensor
    """(pair, head, position) attention of the last position."""
    hidden: Tensor
    """(pair, neuron) activations, after the ReLU."""
    logits: Tensor
    """(pair, class) at the last position."""


def forward(weights: Mapping[str, Tensor], pairs: Tensor, attention_rate: float = 1.0) -> Tensor:
    """Return (pair, class) logits at the last position."""
    return forward_from(weights, embed(weights, pairs), attention_rate).logits


def embed(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
    """Return (pair, position, d_model) embeddings of tokens, positions added."""
    p = n_residues(shapes_of(weights))
    tokens = pad(pairs, (0, len(weights[W_E]) - p), value=p)  # `=` if there is one
    return embedding(tokens, weights[W_E]) + weights.get(W_POS, 0.0)


def forward_from(
    weights: Mapping[str, Tensor], embeddings: Tensor, attention_rate: float = 1.0
) -> Activations:
    """Return the activations for the embeddings that `embed` returns.

    Biases not among the weights are zero.
    """

    def bias(name: str, axes: str = "... -> ...") -> Tensor | float:
        return rearrange(weights[name], axes) if name in weights else 0.0

    q = torch.einsum("n d, h d k -> n h k", embeddings[:, -1], weights[W_Q]) + bias(B_Q)
    k = torch.einsum("n t d, h d k -> n h t k", embeddings, weights[W_K]) + bias(B_K, "h k -> h 1 k")
    v = torch.einsum("n t d, h d k -> n h t k", embeddings, weights[W_V]) + bias(B_V, "h k -> h 1 k")
    pattern = torch.softmax(torch.einsum("n h k, n h t k -> n h t", q, k) / math.sqrt(q.shape[-1]), -1)
    pattern = attention_rate * pattern + (1 - attention_rate)
    attn_out = torch.einsum("n h t, n h t k, h k d -> n d", pattern, v, weights[W_O]) + bias(B_O)
    mid = embeddings[:, -1] + attn_out
    hidden = torch.relu(mid @ weights[W_IN] + bias(B_IN))
    logits = (mid + hidden @ weights[W_OUT] + bias(B_OUT)) @ weights[W_U] + bias(B_U)
    return Activations(pattern, hidden, logits)


def flow(weights: Mapping[str, Tensor], attention_rate: float = 1.0) -> Tensor:
    """Return the synaptic flow R to the last logits.

    R starts at all tokens and positions. The weights are absolute. The ReLU is the identity; attention is
    uniform over the positions, whatever W_Q and W_K are, which therefore have no part in R; biases have none
    either. With x_t = 1ᵀW_E + W_pos[t], R = (x_last + s·mean_t x_t W_V W_O)(1 + W_in W_out) W_U 1; s is the
    attention's sum, 1 at attention rate α = 1, and α + (1 − α)·T with T positions. Every path
    passes W_U and one of W_E and W_pos; the residual stream leads around the other matrices, so only a part
    of R passes through them.
    """
    embedded = weights[W_E].sum(0)  # (d,), every token
    last = average = embedded
    if W_POS in weights:
        last, average = embedded + weights[W_POS][-1], embedded + weights[W_POS].mean(0)
    n_positions = 2 + has_equals(shapes_of(weights))
    average = average * (attention_rate + (1 - attention_rate) * n_positions)
    mid = last + torch.einsum("d, h d k, h k e -> e", average, weights[W_V], weights[W_O])
    return ((mid + mid @ weights[W_IN] @ weights[W_OUT]) @ weights[W_U]).sum()


def as_written(weights: Weights, attention_rate: float = 1.0) -> nn.Module:
    """Return the network as TransformerLens computes it.

    The import of transformer-lens takes seconds.
    """
    from training.models.transformer.hooked_transformer import AtLastPosition

    return AtLastPosition(weights, attention_rate)


def implementation(attention_rate: float) -> Implementation:
    """Return the functions of the network with this attention rate."""
    return Implementation(
        partial(forward, attention_rate=attention_rate),
        partial(TransformerNetwork, attention_rate=attention_rate),
        partial(as_written, attention_rate=attention_rate),
        flow=partial(flow, attention_rate=attention_rate),
    )
