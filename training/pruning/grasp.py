"""GraSP: gradient signal preservation, scored before training."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def grasp(subject: Subject, temperature: float = 200.0) -> Mask:
    """Keep the weights whose removal would shrink the gradient most.

    The score is θ₀ ⊙ Hg, with g and H gradient and Hessian at θ₀ of the training loss of outputs/T.
    Removing a weight changes ‖g‖² by −2 θ₀ ⊙ Hg to first order. So what is removed first are the weights
    without which the gradient would be larger; the sign counts, no absolute value is taken. All in float64.

    Parameters
    ----------
    subject : Subject
        Scored at its `initial`.
    temperature : float
        T, by which the outputs are divided.

    References
    ----------
    .. [1] Wang et al., arXiv:2002.07376, Eq. 7–8 and Alg. 1. Their S(−θ) = −θ ⊙ Hg removes the largest: the
       same order. T = 200 is their code's. They take a sample of examples of every class, here it is the
       whole training set; tasks without classes have their own loss in place of the cross-entropy.
    """
    import torch

    weights = {name: torch.tensor(w).double().requires_grad_() for name, w in subject.initial.items()}
    thetas = list(weights.values())
    loss = subject.loss(subject.outputs(weights) / temperature)
    gradients = torch.autograd.grad(loss, thetas, create_graph=True)
    fixed = [g.detach() for g in gradients]
    pairs = zip(weights.items(), torch.autograd.grad(gradients, thetas, grad_outputs=fixed), strict=True)
    return subject.keep({name: (w * Hg).detach().numpy() for (name, w), Hg in pairs})
