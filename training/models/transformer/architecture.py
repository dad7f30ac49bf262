"""Settings of a transformer of one layer.

Importable without torch and NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from training.models.base import Model, require_widths
from training.models.transformer.weight_names import (
    B_U,
    BIASES,
    W_E,
    W_IN,
    W_POS,
    W_Q,
    W_U,
    has_equals,
)
from training.models.weight_names import Shape, is_prunable
from training.schema.validation import OMITTED_AT_DEFAULT, names, require

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int
    from torch import nn

    from training.models.implementation import Implementation
    from training.models.network import Weights
    from training.models.pair_activations import Arrays, PairActivations


def _last_part(name: str) -> str:
    return name.rpartition(".")[2]


BIAS_NAMES = tuple(map(_last_part, BIASES))
"""Names by which a recipe may choose biases."""


@dataclass(frozen=True, kw_only=True)
class Transformer(Model):
    """TransformerLens' HookedTransformer of one causal layer without LayerNorm.

    The logits are read at the last position. The defaults are Minegishi et al.'s: the tokens a b, one head,
    neither positions nor biases. Nanda et al.'s has four heads of 32, 512 neurons, the tokens a b =,
    positions, the biases b_in and b_out, a logit of `=` and a start of its own.

    References
    ----------
    .. [1] Zhong et al., arXiv:2306.17844 (the attention rate, which interpolates to constant attention).
    .. [2] Nanda et al., arXiv:2301.05217, and its published code (biases, start, logit of `=`).
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
    biases: bool | tuple[str, ...] = False
    """Biases that are trained, from zero, and never pruned: true for all, or some of b_Q, b_K, b_V, b_O,
    b_in, b_out and b_U. Nanda et al. train b_in and b_out, Nanda's later notebook none."""
    init: Literal["fan_in", "transformer_lens", "nanda"] = "fan_in"
    """θ₀: N(0, κ/√fan_in); N(0, κ·0.8/√d_model), for κ = 1 what a HookedTransformer draws of the seed; or
    Nanda et al.'s N(0, κ/√d_model), but for W_U N(0, κ/√n) of n logits."""

    equals_logit: bool = field(default=False, metadata=OMITTED_AT_DEFAULT)
    """Whether = has a logit too, of a class that is never right, as in Nanda et al.'s training loss; needs
    `equals` and `positions`."""
    attention_rate: float = field(default=1.0, metadata=OMITTED_AT_DEFAULT)
    """α of Zhong et al.: attention is α·softmax + (1 − α), ones at α = 0. Clock networks have 1, Pizza 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_widths(self, "d_model", "n_heads", "d_head", "d_mlp")
        require(0 <= self.attention_rate <= 1, "attention_rate", "a number from 0 to 1", self.attention_rate)
        if not isinstance(self.biases, bool):
            fit = 0 < len(self.biases) == len(set(self.biases)) and set(self.biases) <= set(BIAS_NAMES)
            expected = f"true, false, or different names among {names(BIAS_NAMES)}"
            require(fit, "biases", expected, list(self.biases))
        has_place = (self.equals and self.positions) or not self.equals_logit
        expected = "false without equals and positions, by which = is told from a class"
        require(has_place, "equals_logit", expected, self.equals_logit)

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
        shapes |= {W_U: (d, p + self.equals_logit), B_U: (p + self.equals_logit,)}
        return {name: shape for name, shape in shapes.items() if is_prunable(name) or self._has_bias(name)}

    def _has_bias(self, name: str) -> bool:
        return self.biases if isinstance(self.biases, bool) else _last_part(name) in self.biases

    def implementation(self) -> Implementation:
        """Return its functions in torch, for its attention rate."""
        from training.models.transformer.network import implementation

        return implementation(self.attention_rate)

    def hooked_network(self, weights: Weights) -> nn.Module:
        """Return a network as a HookedTransformer."""
        from training.models.transformer.hooked_transformer import with_weights

        return with_weights(weights, self.attention_rate)

    def deviation(self, name: str, shape: Shape) -> float:
        """Return the deviation that `init` names; 0 for a bias."""
        if self.init == "fan_in" or not is_prunable(name):
            return super().deviation(name, shape)
        if self.init == "nanda":
            return self.init_scale / math.sqrt(shape[1] if name == W_U else self.d_model)
        return self.init_scale * 0.8 / math.sqrt(self.d_model)

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the settings that the weights' shapes determine.

        `=` is a token if there is a third position, or, without positions, a token more than classes.
        """
        n_heads, d_model, d_head = shapes[W_Q]
        trained = tuple(_last_part(name) for name in BIASES if name in shapes)
        equals = has_equals(shapes)
        return {
            "d_model": d_model,
            "n_heads": n_heads,
            "d_head": d_head,
            "d_mlp": shapes[W_IN][1],
            "equals": equals,
            "positions": W_POS in shapes,
            "biases": len(trained) > 0 if len(trained) in (0, len(BIASES)) else trained,
            "equals_logit": equals and shapes[W_E][0] == shapes[W_U][1],
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
