"""SynFlow: synaptic flow through each weight, of all inputs or of the training examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from training.pruning.method import CannotPrune, Mask, Subject, Weights, require_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    Flow: TypeAlias = Callable[[Mapping[str, Tensor]], Tensor]
    """Sum of outputs, as a function of weights by name."""

ABOVE_ALL = 2.0
"""Score above every share of the flow."""


def synflow(subject: Subject, rounds: int = 100) -> Mask:
    """Keep the weights that carry most synaptic flow, in rounds.

    The score is |θ| ⊙ ∂R/∂|θ|, with R the model's flow, from θ₀ alone.
    Round i keeps density d^(i/rounds) of the weights that carry flow, scored in the network that round i−1
    has left; the masks are nested. Neither data nor signs enter.

    A matrix that R does not depend on (a transformer's W_Q and W_K) has a quota instead: density d of its own
    weights, the largest |θ₀|. The quotas are part of the exact count of all weights; weights that carry flow
    get the rest.

    Parameters
    ----------
    subject : Subject
        Scored at its `initial` by its `flow`.
    rounds : int
        1 or more.

    Raises
    ------
    CannotPrune
        If a weight is not finite, no path is left from input to output, or as in `Subject.keep`.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Eq. 2 and Alg. 1. Scores are divided by R, which changes no
       order. Exact counts per round, where they take a threshold. Attention and quotas are ours.
    """
    if rounds < 1:
        raise ValueError(f"rounds: expected 1 or more, got {rounds}")
    weights = {name: abs(np.asarray(w, dtype=np.float64)) for name, w in subject.prunable.items()}
    scores = synaptic_flow(subject.flow, weights)
    flowing = replace(subject, initial={name: weights[name] for name in scores})
    for i in range(1, rounds):
        mask = replace(flowing, density=subject.density ** (i / rounds)).keep(scores)
        remaining = {name: np.where(is_kept, weights[name], 0) for name, is_kept in mask.items()}
        flow = synaptic_flow(subject.flow, weights | remaining)
        scores = {name: np.where(is_kept, flow[name], -np.inf) for name, is_kept in mask.items()}
    flowless = {name: w for name, w in weights.items() if name not in scores}
    quotas = replace(subject, initial=flowless, scope="layer").keep(flowless)
    return subject.keep(
        scores | {name: np.where(is_kept, ABOVE_ALL, -np.inf) for name, is_kept in quotas.items()}
    )


def synflow_one_shot(subject: Subject) -> Mask:
    """Keep the weights that carry most synaptic flow, scored once.

    It is `synflow` with one round, which empties layers that a hundred do not. Every input counts once; in
    `synflow_minegishi` as often as it is trained on.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Sec. 6 (one round against a hundred).
    """
    return synflow(subject, rounds=1)


def synflow_minegishi(subject: Subject) -> Mask:
    """Keep the weights that carry most flow of the training examples, scored once.

    The score is |θ ⊙ ∂R/∂θ| at the absolute weights |θ₀|, with R the sum of all outputs over the training
    examples: a token counts as often as it is trained on, attention is the softmax that the absolute weights
    give, and W_Q and W_K are scored like the other weights, far below them: one threshold for all may leave
    them empty.

    Parameters
    ----------
    subject : Subject
        Scored at its `initial` by its `outputs`.

    Raises
    ------
    CannotPrune
        If a weight is not finite, R = 0, or as in `Subject.keep`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, published code (SynFlow, one epoch, the training set as one
       batch). Scores are divided by R, which changes no order. Exact counts, where they take a threshold.
    """
    return subject.keep(_flow_shares(lambda sizes: subject.outputs(sizes).sum(), subject.initial))


def synaptic_flow(flow: Flow, weights: Weights) -> dict[str, np.ndarray]:
    """Return the share of the flow R that passes through each weight.

    Parameters
    ----------
    flow : callable
        R of absolute weights, up to a factor: see `training.models.implementation.Implementation.flow`.
    weights : Weights
        By name, of any sign.

    Returns
    -------
    dict[str, np.ndarray]
        |θ| ⊙ ∂R/∂|θ| / R, float64, of every weight that R depends on. Dimensionless, in [0, 1]; the sum over
        a matrix that all paths pass through is 1. To 40 bits, so that weights in series tie.

    Raises
    ------
    CannotPrune
        If a weight is not finite, or R = 0.

    References
    ----------
    .. [1] Tanaka et al., arXiv:2006.05467, Eq. 2; Theorem 1 for the sum (theirs is R).

    Examples
    --------
    >>> from training.models.implementation import chain_flow
    >>> weights = {"W_0": np.array([[-1.0, 3.0]]), "W_1": np.array([[2.0], [2.0]])}
    >>> shares = synaptic_flow(chain_flow, weights)
    >>> shares["W_0"].tolist(), shares["W_1"].tolist()
    ([[0.25, 0.75]], [[0.25], [0.75]])
    """
    return _flow_shares(flow, weights)


def _flow_shares(R_of: Flow, weights: Weights) -> dict[str, np.ndarray]:
    """Return ||θ| ⊙ ∂R/∂|θ| / R| of every weight, to 40 bits."""
    import torch

    require_finite(weights)
    sizes = {name: torch.tensor(w).double().abs().requires_grad_() for name, w in weights.items()}
    R = R_of(sizes)
    if R == 0:
        raise CannotPrune("no path of weights is left from the inputs to the outputs; lower the sparsity")
    gradients = torch.autograd.grad(R, list(sizes.values()), allow_unused=True)
    return {
        name: _without_rounding(abs((size * gradient / R).detach().numpy()))
        for (name, size), gradient in zip(sizes.items(), gradients, strict=True)
        if gradient is not None
    }


def _without_rounding(array: np.ndarray) -> np.ndarray:
    """Return numbers rounded to 40 bits.

    A unit with one input and one output left has equal flow in both; which of the two is pruned must be
    decided by index and not by the last bits of the sums.
    """
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(np.ldexp(mantissa, 40)), exponent - 40)
