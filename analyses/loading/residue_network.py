"""One checkpoint, run from what its two inputs give it.

n  runs      t  positions      p  residues and classes      m  neurons      d  d_model      h  heads
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from interp.mechanism.effective_weights import MODEL_WEIGHTS
from interp.mechanism.two_layer_forward import ACTIVATIONS
from training.config.settings import Setting
from training.runs.atomic_files import RunError
from training.schema.validation import names

Weights = Mapping[str, np.ndarray]


class Activations(NamedTuple):
    """Neurons and logits of n runs."""

    hidden: np.ndarray
    """(n, m)"""
    logits: np.ndarray
    """(n, p)"""


class SummedInputs:
    """Two-layer network: each residue adds a row to the neurons' inputs.

    Attributes
    ----------
    residues : array
        (p, m): what a residue adds, linear in the first weights.
    output_map : array
        (m, p): what a unit activation of a neuron adds to each class.
    """

    def __init__(self, input_map: np.ndarray, output_map: np.ndarray, activation: str):
        self.residues = input_map.T.astype(np.float64)
        self.output_map = output_map.astype(np.float64)
        self.activation = ACTIVATIONS[activation]

    def inputs(self, pairs: np.ndarray) -> np.ndarray:
        """Return what a, and what b, adds to the neurons, (n, 2, m)."""
        return self.residues[pairs]

    def run(self, inputs: np.ndarray) -> Activations:
        """Return the activations for such parts."""
        hidden = self.activation(inputs.sum(axis=1))
        return Activations(hidden, hidden @ self.output_map)


class LastPosition(NamedTuple):
    """Residual stream of n runs at the last position."""

    before: np.ndarray
    """(n, d): before attention."""
    heads: np.ndarray
    """(n, h, d): what every head adds."""
    attention: np.ndarray
    """(n, d): what they add together, bias included."""


class Transformer:
    """One-layer transformer, read at its last position.

    Attributes
    ----------
    residues : array
        (p, d): embedding of each residue, without its position.
    output_map : array
        (m, p): what a unit activation of a neuron adds to each class.
    """

    def __init__(self, weights: Weights, attention_rate: float):
        import torch

        from training.models.transformer.weight_names import (
            B_IN,
            B_OUT,
            B_U,
            W_E,
            W_IN,
            W_OUT,
            W_U,
            n_residues,
        )
        from training.models.weight_names import shapes_of

        arrays = {name: w.astype(np.float64) for name, w in weights.items()}
        self.tensors = {name: torch.from_numpy(w) for name, w in arrays.items()}
        self.attention_rate = attention_rate
        p = n_residues(shapes_of(weights))
        self.residues, self.W_in, self.W_U = arrays[W_E][:p], arrays[W_IN], arrays[W_U][:, :p]
        d, m = self.W_in.shape
        self.b_in, b_out = arrays.get(B_IN, np.zeros(m)), arrays.get(B_OUT, np.zeros(d))
        self.constant = b_out @ self.W_U + arrays.get(B_U, np.zeros(p))[:p]
        self.output_map = arrays[W_OUT] @ self.W_U

    def inputs(self, pairs: np.ndarray) -> np.ndarray:
        """Return the embeddings of all tokens, positions added, (n, t, d)."""
        import torch

        from training.models.transformer.network import embed

        return embed(self.tensors, torch.from_numpy(np.ascontiguousarray(pairs))).numpy()

    def run(self, inputs: np.ndarray) -> Activations:
        """Return the activations for such embeddings."""
        computed = self._forward(inputs)
        return Activations(computed.hidden.numpy(), computed.logits[:, : len(self.residues)].numpy())

    def last_position(self, inputs: np.ndarray) -> LastPosition:
        """Return the terms of the residual stream that the neurons read."""
        from training.models.transformer.weight_names import B_O, B_V, W_O, W_V

        W, x = self.tensors, inputs
        values = np.einsum("ntd,hdk->nhtk", x, W[W_V].numpy(), optimize=True)
        values = values + (W[B_V].numpy()[:, None] if B_V in W else 0.0)
        z = np.einsum("nht,nhtk->nhk", self._forward(x).pattern.numpy(), values, optimize=True)
        heads = np.einsum("nhk,hkd->nhd", z, W[W_O].numpy(), optimize=True)
        bias = W[B_O].numpy() if B_O in W else 0.0
        return LastPosition(x[:, -1], heads, heads.sum(axis=1) + bias)

    def after(self, stream: np.ndarray) -> Activations:
        """Return the activations for the residual stream (n, d) that the neurons read."""
        hidden = np.maximum(stream @ self.W_in + self.b_in, 0)
        return Activations(hidden, stream @ self.W_U + hidden @ self.output_map + self.constant)

    def _forward(self, inputs: np.ndarray) -> Any:
        import torch

        from training.models.transformer.network import forward_from

        return forward_from(self.tensors, torch.from_numpy(inputs), self.attention_rate)


ResidueNetwork = SummedInputs | Transformer
"""Network in float64 whose inputs can be exchanged."""


def residue_network(setting: Setting, weights: Weights) -> ResidueNetwork:
    """Return a checkpoint's network.

    Raises
    ------
    RunError
        If the model is a plug-in's: what its inputs give is not known.
    """
    model = setting.model
    if model.name not in MODEL_WEIGHTS:
        expected = f"expected one of {names(MODEL_WEIGHTS)}, whose inputs can be exchanged"
        raise RunError(f"model.name: {expected}, got {model.name}; --arms chooses other networks")
    if model.name == "transformer":
        return Transformer(weights, getattr(model, "attention_rate", 1.0))
    maps = model.neuron_maps(weights)
    return SummedInputs(maps["input"], maps["output"], getattr(model, "activation", "relu"))
