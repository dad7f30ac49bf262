"""Settings of a ReLU network on features.

Importable without torch and NumPy.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from training.models.base import MAX_WIDTH, Model
from training.models.weight_names import Shape
from training.schema.validation import require

if TYPE_CHECKING:
    from torch import nn

    from training.models.implementation import Implementation
    from training.models.network import Weights


@dataclass(frozen=True, kw_only=True)
class MLP(Model):
    """A ReLU network on features.

    x → relu(x W_0) → … → · W_last.
    """

    reads = "features"
    infers_sizes = True

    name: Literal["mlp"] = "mlp"
    widths: tuple[int, ...] = (200, 200)
    """Units of every hidden layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fit = len(self.widths) > 0 and all(1 <= width <= MAX_WIDTH for width in self.widths)
        require(fit, "widths", f"one or more whole numbers from 1 to {MAX_WIDTH}", self.widths)

    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the shapes of W_0, W_1, … in order."""
        pairs = itertools.pairwise((n_inputs, *self.widths, n_outputs))
        return {f"W_{layer}": pair for layer, pair in enumerate(pairs)}

    def implementation(self) -> Implementation:
        """Return its functions in torch."""
        from training.models.mlp.network import IMPLEMENTATION

        return IMPLEMENTATION

    def hooked_network(self, weights: Weights) -> nn.Module:
        """Return a network with hooks on weights, neurons and outputs."""
        import torch

        from training.models.hooked.modules import HookedMLP

        return HookedMLP(weights, self.implementation().forward, torch.relu, n_layers=len(self.widths))

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the columns of every matrix but the last."""
        return {"widths": tuple(shapes[f"W_{layer}"][1] for layer in range(len(shapes) - 1))}
