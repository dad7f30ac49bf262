"""Activations and logits of a two-layer network over all input pairs.

    p  residues, odd and at least 3     m  neurons     ... leading axes: checkpoints, arms

The network has one hidden layer: neuron i reads input_map[i, x] + input_map[i, y] and adds its activation
times output_map[i] to the logits. Replacing the activation function of a trained network shows which part of
the function the network uses: with evenly spread phases, the odd part cancels over the neurons, and the even
part is enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.mechanism.logit_fit import cross_entropy, logit_margin
from interp.mechanism.matrix_orientation import transposed_hint
from interp.spectra.fourier import checked_map

__all__ = ["ACTIVATIONS", "PairScores", "activation_swap", "pair_activations", "pair_logits"]

ACTIVATIONS: dict[str, Callable[[Float[np.ndarray, "..."]], Float[np.ndarray, "..."]]] = {
    "relu": lambda z: np.maximum(z, 0),
    "square": np.square,
    "abs": np.abs,
    "cube": lambda z: z**3,
    "fourth": lambda z: np.square(np.square(z)),
    "exp": np.exp,
    "softplus": lambda z: np.logaddexp(0, z),
}


@dataclass(frozen=True, kw_only=True)
class PairScores:
    """Accuracy and loss of a network over all p^2 ordered pairs."""

    accuracy: Float[np.ndarray, "*batch"]
    """Share of pairs whose true class has the largest logit; a tie counts as wrong."""
    loss: Float[np.ndarray, "*batch"]
    """Mean cross-entropy in nats."""


def pair_activations(
    input_map: Float[np.ndarray, "*batch m p"], activation: str = "relu"
) -> Float[np.ndarray, "*batch p p m"]:
    """Activation of every neuron at every ordered pair of residues.

    Parameters
    ----------
    input_map : Float[np.ndarray, "*batch m p"]
        Entry (i, a) is what neuron i receives from residue a.
    activation : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    Float[np.ndarray, "*batch p p m"]
        Axes (..., x, y, neuron), float64.

    Raises
    ------
    ValueError
        If `activation` is unknown, p is even or below 3, `input_map` is not finite or has no neuron axis, or
        an activation overflows.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, two-layer network with one-hot inputs.

    Examples
    --------
    >>> print(pair_activations(np.array([[-1.0, 0.5, 2.0]]), "square")[..., 0])
    [[ 4.    0.25  1.  ]
     [ 0.25  1.    6.25]
     [ 1.    6.25 16.  ]]
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {activation!r}")
    if np.ndim(input_map) < 2:
        raise ValueError(f"input_map: expected shape (..., m, p), got shape {np.shape(input_map)}")
    reads = np.swapaxes(checked_map(input_map, "input_map"), -1, -2)  # (..., p, m)
    received = reads[..., :, None, :] + reads[..., None, :, :]  # (..., p, p, m)
    with np.errstate(over="ignore"):
        activations = ACTIVATIONS[activation](received)
    if not np.isfinite(activations).all():
        raise ValueError(
            f"input_map: expected values small enough for activation {activation!r}, "
            f"got sums up to {received.max()}"
        )
    return activations


def pair_logits(
    input_map: Float[np.ndarray, "*batch m p"],
    output_map: Float[np.ndarray, "*batch m p"],
    activation: str = "relu",
) -> Float[np.ndarray, "*batch p p p"]:
    """Logits of every ordered pair of residues.

    Parameters
    ----------
    input_map : Float[np.ndarray, "*batch m p"]
        Entry (i, a) is what neuron i receives from residue a.
    output_map : Float[np.ndarray, "*batch m p"]
        Entry (i, c) is what a unit activation of neuron i adds to class c.
    activation : str
        A key of `ACTIVATIONS`.

    Returns
    -------
    Float[np.ndarray, "*batch p p p"]
        Axes (..., x, y, class), in the units of the output map times the activation.

    Raises
    ------
    ValueError
        As `pair_activations`, or if the maps' shapes differ or `output_map` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, f(x, y) = sum_m xi_m sigma(theta_m[x] + theta_m[y]).

    Examples
    --------
    >>> eye = np.eye(3)  # neuron i reads residue i and adds to class i
    >>> print(pair_logits(eye, eye)[0, 2])
    [1. 0. 1.]
    """
    if np.shape(input_map) != np.shape(output_map):
        raise ValueError(
            "input_map and output_map: expected one shape (..., m, p),"
            f" got {np.shape(input_map)} and {np.shape(output_map)}"
            + transposed_hint(np.shape(input_map), np.shape(output_map))
        )
    writes = checked_map(output_map, "output_map")
    return pair_activations(input_map, activation) @ writes[..., None, :, :]


def activation_swap(
    input_map: Float[np.ndarray, "*batch m p"],
    output_map: Float[np.ndarray, "*batch m p"],
    labels: Int[np.ndarray, "p p"],
    activation: str,
) -> PairScores:
    """Accuracy and loss with another activation function.

    The function replaces the one that the network was trained with.

    Parameters
    ----------
    input_map, output_map : Float[np.ndarray, "*batch m p"]
        As in `pair_logits`.
    labels : Int[np.ndarray, "p p"]
        True class of every ordered pair.
    activation : str
        A key of `ACTIVATIONS`; the network's own function gives the unchanged network.

    Returns
    -------
    PairScores
        Over all pairs, training pairs included. The weights are not rescaled: the loss depends on the scale
        of the function's values, the accuracy does not.

    Raises
    ------
    ValueError
        As `pair_logits`, or if a label is outside 0..p-1 or `labels` does not have shape (p, p).

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, activations swapped at test time.

    Examples
    --------
    >>> from interp.mechanism.flawed_indicator import ideal_neurons
    >>> maps, sums = ideal_neurons(np.full(5, 7)), np.add.outer(np.arange(11), np.arange(11)) % 11
    >>> [(name, float(activation_swap(*maps, sums, name).loss.round(3))) for name in ("abs", "cube")]
    [('abs', 0.002), ('cube', 2.398)]
    """
    logits = pair_logits(input_map, output_map, activation)
    return PairScores(
        accuracy=np.asarray((logit_margin(logits, labels) > 0).mean(axis=(-1, -2))),
        loss=np.asarray(cross_entropy(logits, labels).mean(axis=(-1, -2))),
    )
