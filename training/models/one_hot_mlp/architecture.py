"""Settings of He et al.'s network.

Importable without torch and NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from training.models.base import Model, require_widths
from training.models.weight_names import Shape
from training.schema.validation import require
from training.tasks.he_split import he_width

if TYPE_CHECKING:
    from torch import nn

    from training.models.implementation import Implementation
    from training.models.network import Weights
    from training.models.pair_activations import Arrays, PairActivations


@dataclass(frozen=True, kw_only=True)
class OneHotMLP(Model):
    """He et al.'s network on one-hot inputs.

    logits = Σ_m ξ_m σ(θ_m[a] + θ_m[b]), θ_m a column of W_in and ξ_m a row of W_out. The network adds its two
    inputs, so it is symmetric in a and b and can learn symmetric tasks only.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (model and initialization; width and draws of the published code).
    """

    reads = "tokens"
    symmetric = True
    infers_sizes = True

    name: Literal["one_hot_mlp"] = "one_hot_mlp"
    activation: Literal["relu", "square", "abs", "cube", "fourth", "exp", "softplus"] = "relu"
    """σ: max(x, 0), x², |x|, x³, x⁴, eˣ or log(1 + eˣ)."""
    d_mlp: int | None = None
    """Number of neurons; by default the paper's, max(512, ⌈512/529·p²⌉) for p residues."""
    init: Literal["normal", "single_frequency"] = "normal"
    """θ₀: s·N(0, 1)/√p; or s·cos(ω_k j + φ) in both matrices, each neuron's k the same in both and each k as
    often as every other, up to one; all phases φ uniform."""
    init_scale: float = 0.1
    """s."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d_mlp is not None:
            require_widths(self, "d_mlp")

    @property
    def function(self) -> str:
        """Name and activation, as one_hot_mlp.relu."""
        return f"{self.name}.{self.activation}"

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the shapes of W_in and W_out."""
        m = self.d_mlp or he_width(n_inputs)
        return {"W_in": (n_inputs, m), "W_out": (m, n_outputs)}

    def implementation(self) -> Implementation:
        """Return its functions in torch, for its activation."""
        from training.models.one_hot_mlp.network import implementation

        return implementation(self.activation)

    def hooked_network(self, weights: Weights) -> nn.Module:
        """Return a network with hooks on weights, parts of pairs, neurons and logits."""
        from training.models.hooked.modules import HookedPairMLP
        from training.models.one_hot_mlp.activations import ACTIVATIONS

        return HookedPairMLP(weights, self.implementation().forward, ACTIVATIONS[self.activation].value)

    def deviation(self, name: str, shape: Shape) -> float:
        """Return s/√p for both matrices.

        Raises
        ------
        ConfigError
            For single-frequency weights, which are not normal: no such start can be drawn anew.
        """
        expected = "'normal' for a start that is drawn anew, or of one size with a sign"
        require(self.init == "normal", "model.init", expected, self.init)
        return self.init_scale / math.sqrt(shape[0] if name == "W_in" else shape[1])

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the number of neurons, the columns of W_in."""
        return {"d_mlp": shapes["W_in"][1]}

    def pair_activations(self, weights: Arrays) -> PairActivations:
        """Return logits and neurons of every ordered pair."""
        from training.models.pair_activations import two_layer_activations

        return two_layer_activations(self.name, weights, self.activation)


@dataclass(frozen=True, kw_only=True)
class EmbeddedMLP(OneHotMLP):
    """He et al.'s network on a trained embedding.

    θ_m[a] is W_E[a] · a column of W_in.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (that embeddings may be trained too; the sizes and the start are ours).
    """

    name: Literal["embedded_mlp"] = "embedded_mlp"  # type: ignore[assignment]
    d_emb: int = 128
    """Width of the embedding."""
    init: Literal["normal"] = "normal"
    """θ₀: s·N(0, 1)/√p in W_E and W_out, N(0, 1)/√d_emb in W_in, so that θ_m[a] is as large as on one-hot
    inputs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_widths(self, "d_emb")

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the shapes of W_E, W_in and W_out."""
        on_one_hot = super().shapes(n_inputs, n_outputs)
        m = on_one_hot["W_in"][1]
        return {"W_E": (n_inputs, self.d_emb), "W_in": (self.d_emb, m), "W_out": on_one_hot["W_out"]}

    def deviation(self, name: str, shape: Shape) -> float:
        """Return the standard deviation that `init` names."""
        if name == "W_in":
            return 1 / math.sqrt(shape[0])
        return self.init_scale / math.sqrt(shape[0] if name == "W_E" else shape[1])

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the embedding's width and the number of neurons."""
        return {"d_emb": shapes["W_E"][1], "d_mlp": shapes["W_in"][1]}
