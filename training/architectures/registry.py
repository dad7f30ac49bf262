"""Settings of the networks that a recipe can name, and their weights' shapes. Importable without torch."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeVar

from training.schema.validation import require, require_positive

MAX_WIDTH = 1_000_000

Shape = tuple[int, ...]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """Settings of a network; its name in MODEL_CONFIGS is the recipe's `model.name`."""

    reads: ClassVar[str]
    """What kind of input it takes: `tokens` or `features`."""
    symmetric: ClassVar[bool] = False
    """Whether it cannot tell (a, b) from (b, a), whatever its weights."""

    name: str
    init_scale: float = 1.0
    """κ: weights start as N(0, κ/√fan_in), κ/√fan_in the standard deviation."""

    def __post_init__(self) -> None:
        require_positive("init_scale", self.init_scale)

    @property
    def function(self) -> str:
        """Which function of its weights it is: a key of `training.models.MODELS`."""
        return self.name

    @abstractmethod
    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Shape of everything that is trained, by name; matrices (in, out), after their head if any."""

    def deviation(self, name: str, shape: Shape) -> float:
        """Standard deviation of a weight at θ₀, whose law is normal around 0; 0 for a bias."""
        return self.init_scale / math.sqrt(fan_in(name, shape)) if is_prunable(name) else 0.0


def is_prunable(name: str) -> bool:
    """Whether a method may prune what has this name: every matrix W_*, no bias b_*."""
    return not name.rpartition(".")[2].startswith("b_")


def prunable(by_name: Mapping[str, T]) -> dict[str, T]:
    """Those that a mask covers, of anything by weight name."""
    return {name: value for name, value in by_name.items() if is_prunable(name)}


def fan_in(name: str, shape: Shape) -> int:
    """Number of terms in the sums that a matrix makes: its rows, for an embedding the tokens it chooses from.

    Of attention's (head, in, out) matrices W_Q, W_K and W_V sum over `in`, and W_O over `head` as well.
    """
    if len(shape) == 2:
        return shape[0]
    return shape[0] * shape[1] if name.endswith("W_O") else shape[1]


@dataclass(frozen=True, kw_only=True)
class EmbedMLP(Model):
    """Minegishi et al.'s network: logits = relu((W_E[a] + W_E[b]) W_in) W_out W_U.

    It adds its two embeddings, so it is symmetric in a and b and can learn symmetric tasks only.
    """

    reads = "tokens"
    symmetric = True

    name: Literal["embed_mlp"] = "embed_mlp"
    d_emb: int = 500
    """Width of the embedding and of the layer before the logits."""
    d_mlp: int = 48
    """Number of ReLU neurons."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_widths(self, "d_emb", "d_mlp")

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """W_E, W_in, W_out, W_U: TransformerLens' names."""
        d, m = self.d_emb, self.d_mlp
        return {"W_E": (n_inputs, d), "W_in": (d, m), "W_out": (m, d), "W_U": (d, n_outputs)}


@dataclass(frozen=True, kw_only=True)
class MLP(Model):
    """A ReLU network on features: x → relu(x W_0) → … → · W_last."""

    reads = "features"

    name: Literal["mlp"] = "mlp"
    widths: tuple[int, ...] = (200, 200)
    """Units of every hidden layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fit = len(self.widths) > 0 and all(1 <= width <= MAX_WIDTH for width in self.widths)
        require(fit, "widths", f"one or more whole numbers from 1 to {MAX_WIDTH}", self.widths)

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """W_0, W_1, … from the features to the outputs."""
        pairs = itertools.pairwise((n_inputs, *self.widths, n_outputs))
        return {f"W_{place}": pair for place, pair in enumerate(pairs)}


@dataclass(frozen=True, kw_only=True)
class Transformer(Model):
    """TransformerLens' HookedTransformer of one causal layer without LayerNorm, read at the last position.

    The defaults are Minegishi et al.'s: the tokens a b, one head, neither positions nor biases. Nanda et
    al.'s has four heads of 32, 512 neurons, the tokens a b =, and positions.
    """

    reads = "tokens"

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

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_widths(self, "d_model", "n_heads", "d_head", "d_mlp")

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """The names and the order of HookedTransformer's parameters."""
        expected = f"a task of as many classes as tokens, {n_inputs}: = is the one token that is no class"
        require(n_inputs == n_outputs, "task", expected, n_outputs)
        d, h, k, m, p = self.d_model, self.n_heads, self.d_head, self.d_mlp, n_outputs
        attn: dict[str, Shape] = {"W_Q": (h, d, k), "W_O": (h, k, d), "b_Q": (h, k), "b_O": (d,)}
        attn |= {"W_K": (h, d, k), "W_V": (h, d, k), "b_K": (h, k), "b_V": (h, k)}
        mlp = {"W_in": (d, m), "b_in": (m,), "W_out": (m, d), "b_out": (d,)}
        shapes: dict[str, Shape] = {"embed.W_E": (p + self.equals, d)}
        if self.positions:
            shapes["pos_embed.W_pos"] = (2 + self.equals, d)
        shapes |= {f"blocks.0.attn.{name}": shape for name, shape in attn.items()}
        shapes |= {f"blocks.0.mlp.{name}": shape for name, shape in mlp.items()}
        shapes |= {"unembed.W_U": (d, p), "unembed.b_U": (p,)}
        return {name: shape for name, shape in shapes.items() if self.biases or is_prunable(name)}

    def deviation(self, name: str, shape: Shape) -> float:
        """The one of `init`."""
        if self.init == "fan_in" or not is_prunable(name):
            return super().deviation(name, shape)
        return self.init_scale * 0.8 / math.sqrt(self.d_model)


@dataclass(frozen=True, kw_only=True)
class OneHotMLP(Model):
    """He et al.'s network: logits = Σ_m ξ_m σ(θ_m[a] + θ_m[b]), θ_m a column of W_in and ξ_m a row of W_out.

    It adds its two inputs, so it is symmetric in a and b and can learn symmetric tasks only.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (model and initialization; width and draws of the published code).
    """

    reads = "tokens"
    symmetric = True

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
            _require_widths(self, "d_mlp")

    @property
    def function(self) -> str:
        """One for every activation."""
        return f"{self.name}.{self.activation}"

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """W_in, W_out."""
        m = self.d_mlp or max(512, -(-512 * n_inputs**2 // 529))
        return {"W_in": (n_inputs, m), "W_out": (m, n_outputs)}

    def deviation(self, name: str, shape: Shape) -> float:
        """s/√p for both matrices.

        Raises
        ------
        ConfigError
            For single-frequency weights, which are not normal: no such start can be drawn anew.
        """
        expected = "'normal' for a start that is drawn anew, or of one size with a sign"
        require(self.init == "normal", "model.init", expected, self.init)
        return self.init_scale / math.sqrt(shape[0] if name == "W_in" else shape[1])


@dataclass(frozen=True, kw_only=True)
class EmbeddedMLP(OneHotMLP):
    """The same network on a trained embedding: θ_m[a] is W_E[a] · a column of W_in.

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
        _require_widths(self, "d_emb")

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """W_E, W_in, W_out."""
        of_one_hot = super().shapes(n_inputs, n_outputs)
        m = of_one_hot["W_in"][1]
        return {"W_E": (n_inputs, self.d_emb), "W_in": (self.d_emb, m), "W_out": of_one_hot["W_out"]}

    def deviation(self, name: str, shape: Shape) -> float:
        """As in `init`."""
        if name == "W_in":
            return 1 / math.sqrt(shape[0])
        return self.init_scale / math.sqrt(shape[0] if name == "W_E" else shape[1])


def _require_widths(model: Model, *fields: str) -> None:
    for name in fields:
        width = getattr(model, name)
        require(1 <= width <= MAX_WIDTH, name, f"a whole number from 1 to {MAX_WIDTH}", width)


MODEL_CONFIGS: dict[str, type[Model]] = {
    "embed_mlp": EmbedMLP,
    "embedded_mlp": EmbeddedMLP,
    "mlp": MLP,
    "one_hot_mlp": OneHotMLP,
    "transformer": Transformer,
}
