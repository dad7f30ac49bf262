"""Settings of the networks that a recipe can name, and their weights' shapes. Importable without torch."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from training.fields import require, require_positive

MAX_WIDTH = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """Settings of a network without biases; its name in MODEL_CONFIGS is the recipe's `model.name`."""

    reads: ClassVar[str]
    """What kind of input it takes: `tokens` or `features`."""
    symmetric: ClassVar[bool] = False
    """Whether it cannot tell (a, b) from (b, a), whatever its weights."""

    name: str
    init_scale: float = 1.0
    """κ: weights start as N(0, κ/√fan_in), κ/√fan_in the standard deviation."""

    def __post_init__(self) -> None:
        require_positive("init_scale", self.init_scale)

    @abstractmethod
    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, tuple[int, int]]:
        """Shape of every weight, stored (in, out), by name in the order of the forward pass."""


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
        for name in ("d_emb", "d_mlp"):
            width = getattr(self, name)
            require(1 <= width <= MAX_WIDTH, name, f"a whole number from 1 to {MAX_WIDTH}", width)

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, tuple[int, int]]:
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

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, tuple[int, int]]:
        """W_0, W_1, … from the features to the outputs."""
        pairs = itertools.pairwise((n_inputs, *self.widths, n_outputs))
        return {f"W_{place}": pair for place, pair in enumerate(pairs)}


MODEL_CONFIGS: dict[str, type[Model]] = {"embed_mlp": EmbedMLP, "mlp": MLP}
