"""Flawed indicator: the logits of a network that adds by majority vote.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     m  neurons
    x, y  the two inputs                c  classes                      ... leading axes: checkpoints, arms

Summed over all frequencies, the votes of neurons with a squared activation are largest at the true class
x + y. They are also raised, half as much, at two wrong classes, the *ghosts* 2x and 2y, which are the answers
to (x, x) and (y, y). The ghosts are the flaw of this indicator function of the true class.
"""

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

from interp.mechanism.logit_fit import checked_labels
from interp.spectra.fourier import RELATIVE_ROUNDING, check_modulus, checked_map

__all__ = ["IndicatorFit", "ideal_neurons", "indicator_fit", "indicator_logits"]


@dataclass(frozen=True, kw_only=True)
class IndicatorFit:
    """Least-squares fit of logits by the flawed indicator.

    logits = constant + main 1[c = label] + ghost (1[c = label of (x, x)] + 1[c = label of (y, y)]).
    """

    main: Float[np.ndarray, "*batch"]
    """Coefficient of the label, in the units of the logits."""
    ghost: Float[np.ndarray, "*batch"]
    """Coefficient of each of the two ghosts, in the units of the logits."""
    ratio: Float[np.ndarray, "*batch"]
    """ghost / main: 1/2 for ideal neurons, 0 without ghosts; NaN where main is 0."""
    r2: Float[np.ndarray, "*batch"]
    """Share of the logits' variance over classes that the fit explains, in [0, 1]; NaN if there is none."""


def ideal_neurons(
    n_neurons: Int[np.ndarray, " K"], input_amplitude: float = 1.0, output_amplitude: float = 1.0
) -> tuple[Float[np.ndarray, "m p"], Float[np.ndarray, "m p"]]:
    """Maps of aligned neurons with evenly spaced phases.

    Neuron i of the N of frequency k reads alpha cos(omega_k x + phi) and writes beta cos(omega_k c + 2 phi),
    with phi = 2 pi i / N.

    Parameters
    ----------
    n_neurons : Int[np.ndarray, " K"]
        Number N of neurons of every frequency 1..K, at least 0; p is 2K + 1.
    input_amplitude, output_amplitude : float
        alpha and beta.

    Returns
    -------
    input_map, output_map : Float[np.ndarray, "m p"]
        A row per neuron, in the order of the frequencies.

    Raises
    ------
    ValueError
        If a number of neurons is negative, or there is no frequency.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, phase symmetry and frequency diversification.

    Examples
    --------
    >>> input_map, output_map = ideal_neurons(np.array([0, 3]))
    >>> print(input_map[0].round(3), output_map.sum(axis=0).round(9) + 0.0)
    [ 1.    -0.809  0.309  0.309 -0.809] [0. 0. 0. 0. 0.]
    """
    n = np.asarray(n_neurons)
    if n.ndim != 1 or n.size == 0 or (n < 0).any():
        raise ValueError(f"n_neurons: expected a number from 0 per frequency, got {n.tolist()}")
    p = 2 * n.size + 1
    k = np.repeat(np.arange(1, n.size + 1), n)  # (m,)
    turns = np.concatenate([np.arange(N) / N for N in n])[:, None]  # (m, 1)
    angle = (k[:, None] * np.arange(p) % p) / p  # (m, p), in turns
    return (
        input_amplitude * np.cos(2 * np.pi * (angle + turns)),
        output_amplitude * np.cos(2 * np.pi * (angle + 2 * turns)),
    )


def indicator_logits(p: int, strength: float) -> Float[np.ndarray, "p p p"]:
    """Logits of ideal neurons with a squared activation.

    With equally many neurons of every frequency they have a closed form:
    f[c] = strength / 2 (-1 + p/2 1[c = x + y] + p/4 (1[c = 2x] + 1[c = 2y])). The margin is strength p / 8,
    between x + y and a ghost. With N neurons of amplitudes alpha, beta for every frequency, the strength is
    N alpha^2 beta. The form is exact for N = 3 and N >= 5; for N = 1, 2 and 4 the phases, doubled or times
    four, do not cancel.

    Parameters
    ----------
    p : int
        Number of residues, odd and at least 3.
    strength : float
        N alpha^2 beta, in the units of the logits.

    Returns
    -------
    Float[np.ndarray, "p p p"]
        Axes (x, y, class).

    Raises
    ------
    ValueError
        If `p` is even or below 3.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, flawed indicator (here alpha^2 beta: sigma is applied to the input).

    Examples
    --------
    >>> print(indicator_logits(5, 8.0)[0, 2])
    [ 1. -4.  6. -4.  1.]
    """
    check_modulus(p)
    x = np.arange(p)
    sums = np.add.outer(x, x) % p
    return strength / 2 * (-1 + p / 2 * _one_hot(sums, p) + p / 4 * _ghosts(sums))


def indicator_fit(
    logits: Float[np.ndarray, "*batch p p p"], labels: Int[np.ndarray, "p p"] | None = None
) -> IndicatorFit:
    """Fit logits by the label and the two ghosts.

    The fit is by least squares. Every pair has its own constant, which the loss does not depend on.

    Parameters
    ----------
    logits : Float[np.ndarray, "*batch p p p"]
        Axes (..., x, y, class), every ordered pair.
    labels : Int[np.ndarray, "p p"], optional
        Class of every pair; the diagonal gives the ghosts. By default x + y mod p.

    Returns
    -------
    IndicatorFit
        Coefficients, their ratio, and R^2, pooled over pairs. R^2 is relative to the logits less each pair's
        mean over classes.

    Raises
    ------
    ValueError
        If p is even or below 3, the axes differ, `logits` is not finite, a label is outside 0..p-1, or
        `labels` has the wrong shape or a single class, in which label and ghosts coincide.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, flawed indicator (there the closed form; the fit is ours).

    Examples
    --------
    >>> fit = indicator_fit(indicator_logits(7, 8.0))
    >>> print(fit.main.round(9), fit.ghost.round(9), fit.ratio.round(9), fit.r2.round(9))
    14.0 7.0 0.5 1.0
    """
    x = checked_map(logits, "logits")
    p = x.shape[-1]
    if x.shape[-3:] != (p, p, p):
        raise ValueError(f"logits: expected shape (..., p, p, p), got shape {x.shape}")
    if labels is None:
        labels = np.add.outer(np.arange(p), np.arange(p)) % p
    label = checked_labels(labels, x)
    if label.shape != (p, p) or np.ptp(label) == 0:
        raise ValueError(f"labels: expected a table (p, p) of different classes, got shape {label.shape}")
    terms = np.stack([_one_hot(label, p), _ghosts(label)])  # (2, p, p, p)
    terms -= terms.mean(axis=-1, keepdims=True)
    terms = rearrange(terms, "term x y c -> term (x y c)")
    x = x - x.mean(axis=-1, keepdims=True)
    total = np.square(x).sum(axis=(-1, -2, -3))  # (...)
    on_terms = rearrange(x, "... x y c -> ... (x y c)") @ terms.T  # (..., 2)
    coefficient = on_terms @ np.linalg.inv(terms @ terms.T)  # (..., 2)
    main, ghost = coefficient[..., 0], coefficient[..., 1]
    flat = total <= p**3 * (RELATIVE_ROUNDING * np.abs(logits).max(axis=(-1, -2, -3))) ** 2
    return IndicatorFit(
        main=main,
        ghost=ghost,
        ratio=np.asarray(ghost / np.where(main == 0, np.nan, main)),
        r2=np.asarray((coefficient * on_terms).sum(axis=-1) / np.where(flat, np.nan, total)),
    )


def _one_hot(label: Int[np.ndarray, "*shape"], p: int) -> Float[np.ndarray, "*shape p"]:
    return (label[..., None] == np.arange(p)).astype(np.float64)


def _ghosts(label: Int[np.ndarray, "p p"]) -> Float[np.ndarray, "p p p"]:
    """Indicator of the two ghosts: 1 at each, 2 where they coincide."""
    doubled = _one_hot(np.diagonal(label), len(label))  # (p, p), row x is 1 at the label of (x, x)
    return doubled[:, None] + doubled[None]
