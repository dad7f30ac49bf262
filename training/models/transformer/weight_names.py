"""Names of the transformer's weights, as in TransformerLens' HookedTransformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

W_E, W_POS, W_U, B_U = "embed.W_E", "pos_embed.W_pos", "unembed.W_U", "unembed.b_U"
W_Q, W_K, W_V, W_O, B_Q, B_K, B_V, B_O = (f"blocks.0.attn.{kind}_{of}" for kind in "Wb" for of in "QKVO")
W_IN, W_OUT, B_IN, B_OUT = (f"blocks.0.mlp.{kind}_{of}" for kind in "Wb" for of in ("in", "out"))
BIASES = (B_Q, B_K, B_V, B_O, B_IN, B_OUT, B_U)
"""Names of all biases, in the order of the forward pass."""


def has_equals(shapes: Mapping[str, Sequence[int]]) -> bool:
    """Return True if `=` is a token, by the weights' shapes.

    Then there is a third position, or, without positions, a token that is no class.
    """
    if W_POS in shapes:
        return shapes[W_POS][0] == 3
    return shapes[W_E][0] > shapes[W_U][1]


def n_residues(shapes: Mapping[str, Sequence[int]]) -> int:
    """Return p, the number of tokens without `=`."""
    return shapes[W_E][0] - has_equals(shapes)
