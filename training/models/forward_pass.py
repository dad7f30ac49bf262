"""What one checkpoint computes of every ordered pair of residues: its forward pass, as NumPy arrays.

All in float64. Weights are stored in float32, but of float32 logits some 30 apart a loss of 1e-7 would be
their rounding; a network's own function has losses far below that.

Shapes: p residues and classes, m neurons, h heads, n triples, d width of the embedding. Imports torch where a
pass needs it, and runs it on as many threads as the process allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from interp.mechanism.effective_weights import MODEL_WEIGHTS, effective_maps
from interp.mechanism.two_layer_forward import pair_activations
from training.architectures.registry import Model
from training.runs.atomic_files import RunError
from training.schema.validation import names

if TYPE_CHECKING:
    from torch import Tensor

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Passes:
    """All p² ordered pairs (a, b) through one network, whichever of them its task has."""

    logits: Float[np.ndarray, "p p p"]
    """Entry (a, b, c): the logit of class c."""
    hidden: Float[np.ndarray, "p p m"]
    """Activation of every neuron, after its ReLU."""
    attention: Float[np.ndarray, "p p h"]
    """What each head pays to a from the last position; h = 0 in a network without attention."""


def pass_pairs(model: Model, weights: Arrays) -> Passes:
    """Logits, neurons and attention of every ordered pair.

    Parameters
    ----------
    model : Model
        The network's settings.
    weights : mapping
        One checkpoint, by the names of `model.shapes`.

    Raises
    ------
    RunError
        If no such passes are known for the model.
    """
    if model.name == "transformer":
        return _transformer(weights)
    if model.name not in MODEL_WEIGHTS:
        raise RunError(f"model: expected one of {names(MODEL_WEIGHTS)}, and this one is {model.name}")
    maps = effective_maps(model.name, weights)
    hidden = pair_activations(maps["input"], getattr(model, "activation", "relu"))
    return Passes(hidden @ maps["output"], hidden, np.empty((*hidden.shape[:2], 0)))


def embedding_gradients(
    model: Model, weights: Arrays, triples: Int[np.ndarray, "n 3"]
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]] | None:
    """Gradients of the logit of c at inputs (a, b) by the embeddings of a and of b, taken as two leaves.

    Parameters
    ----------
    model, weights
        As in `pass_pairs`.
    triples : Int[np.ndarray, "n 3"]
        a, b and c.

    Returns
    -------
    tuple or None
        A row per triple each; None for a network that adds its two inputs: the gradients are then one.
    """
    if model.name != "transformer":
        return None
    import torch

    from training.models.transformer import embed, run

    own = _tensors(weights)
    a_b, c = torch.from_numpy(triples[:, :2]), torch.from_numpy(triples[:, 2:])
    resid = embed(own, a_b).requires_grad_()
    (gradient,) = torch.autograd.grad(run(own, resid).logits.gather(1, c).sum(), resid)
    return gradient[:, 0].numpy(), gradient[:, 1].numpy()


def _transformer(weights: Arrays) -> Passes:
    import torch

    from training.models.transformer import W_U, embed, run

    own = _tensors(weights)
    p = own[W_U].shape[1]
    with torch.no_grad():
        found = run(own, embed(own, torch.cartesian_prod(torch.arange(p), torch.arange(p))))
    to_a = found.pattern[:, :, 0]
    logits, hidden, attention = (x.unflatten(0, (p, p)).numpy() for x in (found.logits, found.hidden, to_a))
    return Passes(logits, hidden, attention)


def _tensors(weights: Arrays) -> dict[str, Tensor]:
    import torch

    return {name: torch.from_numpy(w.astype(np.float64)) for name, w in weights.items()}
