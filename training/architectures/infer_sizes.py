"""What a network's shapes say of its settings: `Model.shapes` the other way. Importable without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from training.architectures.registry import Shape

Shapes = Mapping[str, Shape]


def embed_mlp(shapes: Shapes) -> dict[str, Any]:
    """By what leaves the embedding, and what enters the neurons."""
    return {"d_emb": shapes["W_E"][1], "d_mlp": shapes["W_in"][1]}


def mlp(shapes: Shapes) -> dict[str, Any]:
    """By what every layer but the last gives."""
    return {"widths": tuple(shapes[f"W_{place}"][1] for place in range(len(shapes) - 1))}


def transformer(shapes: Shapes) -> dict[str, Any]:
    """It reads `=` if it has a token more than classes; has positions and biases if there are weights."""
    n_heads, d_model, d_head = shapes["blocks.0.attn.W_Q"]
    return {
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": d_head,
        "d_mlp": shapes["blocks.0.mlp.W_in"][1],
        "equals": shapes["embed.W_E"][0] > shapes["unembed.W_U"][1],
        "positions": "pos_embed.W_pos" in shapes,
        "biases": "unembed.b_U" in shapes,
    }


SIZES: dict[str, Callable[[Shapes], dict[str, Any]]] = {
    "embed_mlp": embed_mlp,
    "mlp": mlp,
    "transformer": transformer,
}
"""By the model's name."""
