"""SNIP: connection sensitivity, scored before training."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def snip(subject: Subject) -> Mask:
    """Keep the weights whose removal would change the loss most.

    The score is |g ⊙ θ₀|, with g the gradient of the mean training loss at θ₀, in float64.
    References
    ----------
    .. [1] Lee et al., arXiv:1810.02340, Eq. 5 and Alg. 1. They take one minibatch, here it is the whole
       training set; they divide by the sum of all scores, which changes no order and is left out.
    """
    import torch

    weights = {name: torch.tensor(w).double().requires_grad_() for name, w in subject.initial.items()}
    loss = subject.loss(subject.outputs(weights))
    gradients = torch.autograd.grad(loss, list(weights.values()))
    pairs = zip(weights.items(), gradients, strict=True)
    return subject.keep({name: (w * g).abs().detach().numpy() for (name, w), g in pairs})
