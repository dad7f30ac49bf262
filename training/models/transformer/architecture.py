"""Settings of a transformer of one layer.

Importable without torch and NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from training.models.base import Model, require_widths
from training.models.transformer.weight_names import B_U, W_E, W_IN, W_POS, W_Q, W_U
from training.models.weight_names import Shape, is_prunable
from training.schema.validation import OMITTED_AT_DEFAULT, require

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int

    from training.models.implementation import Implementation
    from training.models.pair_activations import Arrays, PairActivations


@dataclass(frozen=True, kw_only=True)
class Transformer(Model):
    """TransformerLens' HookedTransformer of one causal layer without LayerNorm.

    The logits are read at the last position. The defaults are Minegishi et al.'s: the tokens a b, one head,
    neither positions nor biases. Nanda et al.'s has four heads of 32, 512 neurons, the tokens a b =, and
    positions.

    References
    ----------
    .. [1] Zhong et al., arXiv:2306.17844 (the attention rate, which interpolates to constant attention).
    """

    reads = "tokens"
    infers_sizes = True

    name: Literal["transformer"] = "transformer"
    d_model: int = 128
    """Width of the residual stream."""
    n_heads: int = 1
    d_head: int = 128
    """Width of each head's queries, keys and values."""
    d_mlp: int = 128
    """Number of ReLU neurons."""
    equals: bool = False
    """Whether a third token, =, follows a and b; the logits are read there."""
    positions: bool = False
    """Whether the embedding of a token's position is added to the token's."""
    biases: bool = False
    """Whether biases are trained, from zero. Never pruned. Nanda's published notebook leaves them at zero."""
    init: Literal["fan_in", "transformer_lens"] = "fan_in"
    """θ₀: N(0, κ/√fan_in); or N(0, κ·0.8/√d_model), for κ = 1 what a HookedTransformer draws of the seed."""

    attention_rate: float = field(default=1.0, metadata=OMITTED_AT_DEFAULT)
    """α of Zhong et al.: attention is α·softmax + (1 − α), ones at α = 0. Clock networks have 1, Pizza 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_widths(self, "d_model", "n_heads", "d_head", "d_mlp")
        require(0 <= self.attention_rate <= 1, "attention_rate", "a number from 0 to 1", self.attention_rate)

    @property
    def function(self) -> str:
        """Name, and the attention rate unless it is 1."""
        return self.name if self.attention_rate == 1 else f"{self.name}.attention_rate_{self.attention_rate}"

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the weights' shapes, in HookedTransformer's order of parameters."""
        expected = f"a task of as many classes as tokens, {n_inputs}: = is the one token that is no class"
        require(n_inputs == n_outputs, "task", expected, n_outputs)
        d, h, k, m, p = self.d_model, self.n_heads, self.d_head, self.d_mlp, n_outputs
        attn: dict[str, Shape] = {"W_Q": (h, d, k), "W_O": (h, k, d), "b_Q": (h, k), "b_O": (d,)}
        attn |= {"W_K": (h, d, k), "W_V": (h, d, k), "b_K": (h, k), "b_V": (h, k)}
        mlp = {"W_in": (d, m), "b_in": (m,), "W_out": (m, d), "b_out": (d,)}
        shapes: dict[str, Shape] = {W_E: (p + self.equals, d)}
        if self.positions:
            shapes[W_POS] = (2 + self.equals, d)
        shapes |= {f"blocks.0.attn.{name}": shape for name, shape in attn.items()}
        shapes |= {f"blocks.0.mlp.{name}": shape for name, shape in mlp.items()}
        shapes |= {W_U: (d, p), B_U: (p,)}
        return {name: shape for name, shape in shapes.items() if self.biases or is_prunable(name)}

    def implementation(self) -> Implementation:
        """Return its functions in torch, for its attention rate."""
        from training.models.transformer.network import implementation

        return implementation(self.attention_rate)

    def deviation(self, name: str, shape: Shape) -> float:
        """Return the deviation that `init` names; 0 for a bias."""
        if self.init == "fan_in" or not is_prunable(name):
            return super().deviation(name, shape)
        return self.init_scale * 0.8 / math.sqrt(self.d_model)

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the settings that the weights' shapes determine.

        `=` is a token if the embedding has a row more than there are classes.
        """
        n_heads, d_model, d_head = shapes[W_Q]
        return {
            "d_model": d_model,
            "n_heads": n_heads,
            "d_head": d_head,
            "d_mlp": shapes[W_IN][1],
            "equals": shapes[W_E][0] > shapes[W_U][1],
            "positions": W_POS in shapes,
            "biases": B_U in shapes,
        }

    def pair_activations(self, weights: Arrays) -> PairActivations:
        """Return logits, neurons and attention of every ordered pair."""
        from training.models.transformer.activations import activations_of_all_pairs

        return activations_of_all_pairs(weights, self.attention_rate)

    def embedding_gradients(
        self, weights: Arrays, triples: Int[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
        """Return a logit's gradients by the embeddings of its two inputs."""
        from training.models.transformer.activations import logit_gradients

        return logit_gradients(weights, triples, self.attention_rate)
