"""Activations and gradients of the transformer on pairs of residues.

All are NumPy arrays in float64.
Shapes: p residues and classes, n triples, d = d_model.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

from training.models.network import Weights
from training.models.pair_activations import Arrays, PairActivations
from training.models.transformer.network import embed, forward_from
from training.models.transformer.weight_names import n_residues
from training.models.weight_names import shapes_of


def activations_of_all_pairs(weights: Arrays, attention_rate: float = 1.0) -> PairActivations:
    """Return logits of the residues, neurons and attention of every ordered pair."""
    tensors = _tensors(weights)
    p = n_residues(shapes_of(tensors))
    with torch.no_grad():
        pairs = torch.cartesian_prod(torch.arange(p), torch.arange(p))
        computed = forward_from(tensors, embed(tensors, pairs), attention_rate)
    attention_to_a = computed.pattern[:, :, 0]
    by_pair = (computed.logits[:, :p], computed.hidden, attention_to_a)
    return PairActivations(*(x.unflatten(0, (p, p)).numpy() for x in by_pair))


def logit_gradients(
    weights: Arrays, triples: Int[np.ndarray, "n 3"], attention_rate: float = 1.0
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """Return a logit's gradients by the embeddings of its two inputs.

    `triples` are a, b and c: the inputs and the class. The two embeddings are leaves, also where a = b.
    """
    tensors = _tensors(weights)
    a_b, c = torch.from_numpy(triples[:, :2]), torch.from_numpy(triples[:, 2:])
    embeddings = embed(tensors, a_b).requires_grad_()
    logits = forward_from(tensors, embeddings, attention_rate).logits
    (gradient,) = torch.autograd.grad(logits.gather(1, c).sum(), embeddings)
    return gradient[:, 0].numpy(), gradient[:, 1].numpy()


def _tensors(weights: Arrays) -> Weights:
    return {name: torch.from_numpy(w.astype(np.float64)) for name, w in weights.items()}
