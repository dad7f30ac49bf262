"""Settings of Minegishi et al.'s MLP on modular addition.

Importable without torch and NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from training.models.base import Model, require_widths
from training.models.weight_names import Shape

if TYPE_CHECKING:
    from torch import nn

    from training.models.implementation import Implementation
    from training.models.network import Weights
    from training.models.pair_activations import Arrays, PairActivations


@dataclass(frozen=True, kw_only=True)
class EmbedMLP(Model):
    """Minegishi et al.'s network: embedding, ReLU neurons, unembedding.

    logits = relu((W_E[a] + W_E[b]) W_in) W_out W_U. The network adds its two embeddings, so it is symmetric
    in a and b and can learn symmetric tasks only.
    """

    reads = "tokens"
    symmetric = True
    infers_sizes = True

    name: Literal["embed_mlp"] = "embed_mlp"
    d_emb: int = 500
    """Width of the embedding and of the layer before the logits."""
    d_mlp: int = 48
    """Number of ReLU neurons."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_widths(self, "d_emb", "d_mlp")

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the shapes of W_E, W_in, W_out and W_U."""
        d, m = self.d_emb, self.d_mlp
        return {"W_E": (n_inputs, d), "W_in": (d, m), "W_out": (m, d), "W_U": (d, n_outputs)}

    def implementation(self) -> Implementation:
        """Return its functions in torch."""
        from training.models.embed_mlp.network import IMPLEMENTATION

        return IMPLEMENTATION

    def hooked_network(self, weights: Weights) -> nn.Module:
        """Return a network with hooks on weights, parts of pairs, neurons and logits."""
        import torch

        from training.models.hooked.modules import HookedPairMLP

        return HookedPairMLP(weights, self.implementation().forward, torch.relu)

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return both widths, the columns of W_E and W_in."""
        return {"d_emb": shapes["W_E"][1], "d_mlp": shapes["W_in"][1]}

    def pair_activations(self, weights: Arrays) -> PairActivations:
        """Return logits and neurons of every ordered pair."""
        from training.models.pair_activations import two_layer_activations

        return two_layer_activations(self.name, weights, "relu")
