"""Activations of one checkpoint on all ordered pairs of residues.

They are NumPy arrays in float64. Weights are stored in float32, but of float32 logits some 30 apart a loss of
1e-7 would be their rounding; a network's own function has losses far below that.

Shapes: p residues and classes, m neurons, h heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from interp.mechanism.effective_weights import effective_maps
from interp.mechanism.two_layer_forward import pair_activations as hidden_activations
from training.models.base import Model
from training.models.registry import MODELS
from training.runs.atomic_files import RunError
from training.schema.validation import names

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class PairActivations:
    """Logits, neurons and attention of all p² ordered pairs.

    Pairs that the task leaves out are included.
    """

    logits: Float[np.ndarray, "p p p"]
    """Entry (a, b, c): the logit of class c."""
    hidden: Float[np.ndarray, "p p m"]
    """Activation of every neuron, after its activation function."""
    attention: Float[np.ndarray, "p p h"]
    """Attention of each head to a, from the last position; h = 0 in a network without attention."""
    activation: str = "relu"
    """Activation function of the neurons, a key of `interp.mechanism.two_layer_forward.ACTIVATIONS`."""


def two_layer_activations(model: str, weights: Arrays, activation: str) -> PairActivations:
    """Return the activations of a network that adds its inputs.

    Parameters
    ----------
    model : str
        Name by which `interp` knows the meaning of the weights.
    weights : mapping
        One checkpoint.
    activation : str
        Activation function of the neurons.
    """
    maps = effective_maps(model, weights)
    hidden = hidden_activations(maps["input"], activation)
    return PairActivations(hidden @ maps["output"], hidden, np.empty((*hidden.shape[:2], 0)), activation)


def refuse(model: Model) -> RunError:
    """Return the error for a model that has no activations on pairs."""
    if model.reads == "tokens":
        cure = "define pair_activations in its class, or choose other networks by --arms"
        return RunError(f"model {model.name}: expected activations on pairs of residues, got none; {cure}")
    readers = [name for name, kind in MODELS.items() if kind.reads == "tokens"]
    return RunError(
        f"model.name: expected one that reads pairs of residues ({names(readers)}), got {model.name}; "
        "--arms chooses other networks"
    )
