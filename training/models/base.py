"""Base class of the models' settings.

Importable without torch and NumPy.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from training.models.weight_names import Shape, fan_in, is_prunable
from training.schema.validation import ConfigError, require, require_positive

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float, Int
    from torch import nn

    from training.models.implementation import Implementation
    from training.models.network import Weights
    from training.models.pair_activations import Arrays, PairActivations

MAX_WIDTH = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """Settings of a network, shapes of its weights, its implementation.

    The name under which `MODELS` holds it is the recipe's `model.name`.
    """

    reads: ClassVar[Literal["tokens", "features"]]
    """Kind of input."""
    symmetric: ClassVar[bool] = False
    """True if (a, b) and (b, a) give the same outputs, whatever the weights."""
    infers_sizes: ClassVar[bool] = False
    """True if the weights' shapes determine the sizes, so that `training.adopt` takes such weights."""

    name: str
    init_scale: float = 1.0
    """κ: weights start as N(0, κ/√fan_in), κ/√fan_in the standard deviation."""

    def __post_init__(self) -> None:
        require_positive("init_scale", self.init_scale)

    @property
    def function(self) -> str:
        """Name of the function that the weights parametrize.

        It includes the activation if there is a choice.
        """
        return self.name

    @abstractmethod
    def shapes(self, n_inputs: int, n_outputs: int) -> dict[str, Shape]:
        """Return the shape of every trained weight by name.

        Matrices are (in, out), after a head axis if there is one.
        """

    @abstractmethod
    def implementation(self) -> Implementation:
        """Return the functions that compute with the weights; imports torch."""

    def deviation(self, name: str, shape: Shape) -> float:
        """Return the standard deviation of a normal weight at θ₀.

        Its mean is 0. A bias starts at 0: its deviation is 0.
        """
        return self.init_scale / math.sqrt(fan_in(name, shape)) if is_prunable(name) else 0.0

    def initial_weights(self, shapes: Mapping[str, Shape], seed: int) -> Weights:
        """Draw θ₀ in float32 on the CPU from the seed."""
        return self.implementation().start(self, shapes, seed)

    def hooked_network(self, weights: Weights) -> nn.Module:
        """Return a network as a module with TransformerLens' hook points.

        By default with hooks on weights and outputs, around the plain forward pass. A plug-in's model may
        return one of its own, whose parameters have the names of `shapes`.

        Parameters
        ----------
        weights : dict of Tensor
            By the names of `shapes`, copied.
        """
        from training.models.hooked.modules import HookedNetwork

        return HookedNetwork(weights, self.implementation().forward)

    @classmethod
    def sizes_of(cls, shapes: Mapping[str, Shape]) -> dict[str, Any]:
        """Return the settings that the weights' shapes determine.

        Only for a model that `infers_sizes`.
        """
        raise ConfigError(f"model: expected one whose weights tell its settings, got {cls.__name__}")

    def neuron_maps(self, weights: Arrays) -> dict[str, np.ndarray]:
        """Return the neurons' maps over residues: `input`, `output`, and others.

        By default `interp.effective_maps`, which knows the project's models. A model of a plug-in defines
        this, for the analyses that read maps; if its neurons read b by another map than a, that of b is
        `second input`.

        Parameters
        ----------
        weights : mapping
            By the names of `shapes`, with leading axes (checkpoints) or none.

        Raises
        ------
        RunError
            If the model does not define its maps.
        """
        from interp.mechanism.effective_weights import MODEL_WEIGHTS, effective_maps
        from training.runs.atomic_files import RunError

        if self.name not in MODEL_WEIGHTS:
            cure = "define neuron_maps in its class, or choose other networks by --arms"
            raise RunError(f"model {self.name}: expected maps from residues to neurons, got none; {cure}")
        return effective_maps(self.name, weights)

    def residue_weights(self, weights: Arrays) -> dict[str, np.ndarray]:
        """Return the first and last weights with a row per residue.

        By default `interp.residue_weights`; of a plug-in's model the two maps of `neuron_maps`, transposed.
        """
        from interp.mechanism.effective_weights import MODEL_WEIGHTS, residue_weights

        if self.name in MODEL_WEIGHTS:
            return residue_weights(self.name, weights)
        maps = self.neuron_maps(weights)
        return {f"{name} map": maps[name].swapaxes(-1, -2) for name in ("input", "output")}

    def pair_activations(self, weights: Arrays) -> PairActivations:
        """Return the activations of a checkpoint on all pairs of residues.

        Parameters
        ----------
        weights : mapping
            One checkpoint, by the names of `shapes`.

        Raises
        ------
        RunError
            If the network does not read pairs of residues.
        """
        from training.models.pair_activations import refuse

        raise refuse(self)

    def embedding_gradients(
        self, weights: Arrays, triples: Int[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]] | None:
        """Return a logit's gradients by the embeddings of its two inputs.

        Parameters
        ----------
        weights : mapping
            One checkpoint, by the names of `shapes`.
        triples : Int[np.ndarray, "n 3"]
            a, b and c: the inputs, and the class whose logit it is.

        Returns
        -------
        tuple or None
            A row per triple each; None for a network that adds its two inputs, whose two gradients are one.
        """
        return None


def require_widths(model: Model, *fields: str) -> None:
    """Raise a `ConfigError` unless these settings are possible widths."""
    for name in fields:
        width = getattr(model, name)
        require(1 <= width <= MAX_WIDTH, name, f"a whole number from 1 to {MAX_WIDTH}", width)
