"""Forward pass of the one-layer transformer in NumPy.

The card of exported weights prints `forward`, which needs NumPy and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

FORMULA = (
    "x_t = W_E[token_t] + W_pos[t]; m = x_T + Σ_heads (Σ_t A_t x_t W_V) W_O, with A_t = α softmax_t(x_T W_Q "
    "· x_t W_K / √d_head) + 1 − α over T positions, α the attention rate; logits(a, b) = (m + relu(m W_in) "
    "W_out) W_U; biases are added where the file has them"
)


def forward(
    weights: Mapping[str, np.ndarray],
    pairs: Int[np.ndarray, "n 2"],
    equals: bool = False,
    attention_rate: float = 1.0,
) -> Float[np.ndarray, "n classes"]:
    """Return the logits of pairs of residues; with `equals`, a token = follows."""
    attn, mlp = "blocks.0.attn.", "blocks.0.mlp."

    def bias(name: str) -> np.ndarray | float:
        return weights.get(name, 0.0)

    def heads(x: np.ndarray, which: str) -> np.ndarray:  # (..., d_model) → (head, ..., d_head)
        mapped = np.einsum("...d, hdk -> h...k", x, weights[f"{attn}W_{which}"])
        added = bias(f"{attn}b_{which}")
        return mapped + (np.expand_dims(added, tuple(range(1, x.ndim))) if np.ndim(added) else 0.0)

    tokens = pairs
    if equals:
        last_token = np.full((len(pairs), 1), len(weights["embed.W_E"]) - 1)
        tokens = np.concatenate([pairs, last_token], axis=1)
    x = weights["embed.W_E"][tokens] + bias("pos_embed.W_pos")  # (pair, position, d_model)
    last = x[:, -1]
    query, key, value = heads(last, "Q"), heads(x, "K"), heads(x, "V")
    scores = np.einsum("hnk, hntk -> hnt", query, key) / np.sqrt(query.shape[-1])
    pattern = np.exp(scores - scores.max(axis=-1, keepdims=True))
    pattern = attention_rate * pattern / pattern.sum(axis=-1, keepdims=True) + (1 - attention_rate)
    mid = last + np.einsum("hnt, hntk, hkd -> nd", pattern, value, weights[f"{attn}W_O"])
    mid = mid + bias(f"{attn}b_O")
    hidden = np.maximum(mid @ weights[f"{mlp}W_in"] + bias(f"{mlp}b_in"), 0)
    out = mid + hidden @ weights[f"{mlp}W_out"] + bias(f"{mlp}b_out")
    return out @ weights["unembed.W_U"] + bias("unembed.b_U")
