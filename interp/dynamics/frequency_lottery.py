"""Prediction of a neuron's final frequency from its initial weights.

    m  neurons     K  frequencies, (p - 1) / 2     ... any axes

Blow-up times of the decoupled flow, and four rules that name the winning frequency. u = alpha exp(i phi) and
v = beta exp(i psi) are the amplitudes of a neuron's input and output map at every frequency, and
D = 2 phi - psi is their misalignment (`interp.dynamics.decoupled_flow`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.special import elliprf
from scipy.stats import binomtest

__all__ = ["LOTTERY_RULES", "FrequencyMatch", "blowup_time", "match_frequencies", "predicted_frequency"]

NEWTON_STEPS = 9
"""Number of Newton steps. From an upper bound of at most twice the root, 6 steps converge."""


@dataclass(frozen=True, kw_only=True)
class FrequencyMatch:
    """Share of neurons with equal predicted and final frequency."""

    n: int
    """Number of neurons compared: those that have both frequencies."""
    hits: int
    """Number of these with equal frequencies."""
    share: float
    """hits / n; NaN if n is 0."""
    low: float
    """Lower end of the 95 % Wilson interval of `share`, neurons taken as independent; NaN if n is 0."""
    high: float
    """Upper end of this interval."""
    chance: float
    """1 / K, the share of a uniform guess."""
    shuffled_chance: float
    """Expected share after a random permutation of the predictions over the neurons compared."""


def blowup_time(
    u: Complex[np.ndarray, "*shape"], v: Complex[np.ndarray, "*shape"], p: int, *, mean_loss: bool = False
) -> Float[np.ndarray, "*shape"]:
    """Time to infinity of each component in the decoupled flow.

    The closed form is as follows. w = beta^2 obeys w' = +-2p sqrt(Q(w)), Q = w (2w + c1)^2 - c2^2, with the
    invariants c1 and c2 of the flow. With x1, x2, x3 the distances from w to the roots of Q, the time from w
    to infinity is R_F(x1, x2, x3) / 2p (Carlson's integral). If cos D < 0, w first decreases to the largest
    root of Q, the turning point, and the time to this point is added.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes at time 0.
    p : int
        Number of residues.
    mean_loss : bool
        True: flow of the loss averaged over the p^2 pairs, where times are p^2 times longer. False: of the
        summed loss.

    Returns
    -------
    Float[np.ndarray, "*shape"]
        In units of 1 / amplitude. inf where the component never blows up: alpha = 0, or D = pi exactly and
        alpha^2 <= 2 beta^2. Finite where beta = 0, since the output then starts to grow, aligned.

    Raises
    ------
    ValueError
        If the shapes differ, or an amplitude is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (the integral; the closed form is ours).
    .. [2] Carlson, Numer. Algorithms 10 (1995), R_F.

    Examples
    --------
    >>> print(blowup_time(np.array([0.02, 0.02, 0j]), np.array([0.02, -0.02, 0.02 + 0j]), 23).round(6))
    [1.354837      inf      inf]
    """
    if np.shape(u) != np.shape(v):
        raise ValueError(f"u and v: expected one shape, got {np.shape(u)} and {np.shape(v)}")
    u, v = np.asarray(u, dtype=np.complex128), np.asarray(v, dtype=np.complex128)
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        raise ValueError("u and v: expected finite values, got NaN or infinite amplitudes")
    size = np.hypot(np.abs(u), np.abs(v))
    unit = np.where(size == 0, 1, size)
    u, v = u / unit, v / unit
    alpha2, w = np.abs(u) ** 2, np.abs(v) ** 2
    moment = u * u * np.conj(v)  # alpha^2 beta exp(iD)
    c1, c2 = alpha2 - 2 * w, np.abs(moment.imag)
    beta = _turning_beta(c1, c2)
    # Two equal formulas for alpha^2 at the turning point; each is used where it has no cancellation.
    alpha2_turning = np.where(c1 < 0, c2 / np.where(c1 < 0, beta, 1), c1 + 2 * beta**2)

    # Distances from the turning point, w = beta^2, to the other two roots: real, or a conjugate pair.
    spread = beta * np.sqrt(beta**2 - 2 * alpha2_turning + 0j)
    far = (beta**2 + alpha2_turning + spread) / 2
    product = alpha2_turning**2 / 4 + alpha2_turning * beta**2
    near = product / np.where(far == 0, 1, far)

    # Distance from w to the turning point. Where cos D is near 0 the difference cancels, so it is refined.
    x = np.maximum(np.where(c1 < 0, (alpha2 - alpha2_turning) / 2, w - beta**2), 0)
    others = ((x + near) * (x + far)).real
    x = np.where(others > 0, moment.real**2 / (4 * np.where(others > 0, others, 1)), x)

    from_start = elliprf(x + 0j, x + near, x + far).real
    from_turning = elliprf(0j, near, far).real
    with np.errstate(invalid="ignore"):  # inf - inf, in entries that np.where does not use
        time = np.where(moment.real >= 0, from_start, 2 * from_turning - from_start)
    time = np.where(size == 0, np.inf, time)
    return np.asarray(time / (2 * p * unit) * (p**2 if mean_loss else 1))


def _turning_beta(c1: Float[np.ndarray, "..."], c2: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Smallest beta on the orbit with invariants c1 and c2.

    This is the largest root of 2b^3 + c1 b = c2. Newton's method starts above the root, where the cubic is
    convex, so the steps decrease to the root and never pass it.
    """
    cube = np.cbrt(c2 / 2)
    positive = np.where(c1 > 0, c1, 1)
    b = np.where(
        c1 > 0, np.minimum(cube, c2 / positive), np.where(c1 < 0, np.sqrt(np.maximum(-c1 / 2, 0)), 0) + cube
    )
    for _ in range(NEWTON_STEPS):
        slope = 6 * b**2 + c1
        b = (4 * b**3 + c2) / np.where(slope > 0, slope, 1)
    return b


def _alignment(u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return -np.abs(np.angle(u * u * np.conj(v)))


def _aligned_product(
    u: Complex[np.ndarray, "..."], v: Complex[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    return (u * u * np.conj(v)).real


LOTTERY_RULES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "min_abs_misalignment": _alignment,
    "max_magnitude": lambda u, _: np.abs(u),
    "max_aligned_product": _aligned_product,
    "min_blowup_time": lambda u, v: -blowup_time(u, v, 1),
}
"""Score of a component by rule: -|D|, alpha, alpha^2 beta cos D, and minus the blow-up time.

The rule predicts the neuron's frequency of highest score. The order of blow-up times does not depend on p."""


def predicted_frequency(
    rule: str, u: Complex[np.ndarray, "... K"], v: Complex[np.ndarray, "... K"]
) -> Int[np.ndarray, "..."]:
    """Final frequency of a neuron as predicted by a rule.

    Parameters
    ----------
    rule : str
        A key of `LOTTERY_RULES`.
    u, v : Complex[np.ndarray, "... K"]
        Amplitudes at the start, frequencies on the last axis.

    Returns
    -------
    Int[np.ndarray, "..."]
        In 1..K, the smallest on a tie; 0 for a neuron without input (components of alpha = 0 never grow) and,
        by `min_blowup_time`, for a neuron that never blows up.

    Raises
    ------
    ValueError
        If the rule is unknown, the shapes differ, or there is no frequency.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (there the misalignment rule).

    Examples
    --------
    >>> u, v = np.array([0.02, 0.03 * np.exp(0.4j)]), np.array([0.02, 0.03 + 0j])
    >>> [int(predicted_frequency(rule, u, v)) for rule in LOTTERY_RULES]
    [1, 2, 2, 2]
    """
    if rule not in LOTTERY_RULES:
        raise ValueError(f"rule: expected one of {', '.join(LOTTERY_RULES)}, got {rule!r}")
    if np.shape(u) != np.shape(v) or np.ndim(u) == 0 or np.shape(u)[-1] == 0:
        raise ValueError(
            f"u and v: expected one shape (..., K), K at least 1, got {np.shape(u)} and {np.shape(v)}"
        )
    score = np.where(np.asarray(u) == 0, -np.inf, LOTTERY_RULES[rule](u, v))  # (..., K)
    return np.asarray(np.where(np.isneginf(score).all(axis=-1), 0, score.argmax(axis=-1) + 1))


def match_frequencies(
    predicted: Int[np.ndarray, " m"],
    final: Int[np.ndarray, " m"],
    n_frequencies: int,
    among: Bool[np.ndarray, " m"] | None = None,
) -> FrequencyMatch:
    """Compare predicted with final frequencies, neuron by neuron.

    Parameters
    ----------
    predicted, final : Int[np.ndarray, "m"]
        In 1..K; neurons with 0 in either are left out.
    n_frequencies : int
        K.
    among : Bool[np.ndarray, "m"], optional
        True for neurons to compare; by default all.

    Returns
    -------
    FrequencyMatch
        Share of equal frequencies with its 95 % interval, and two chance levels.

    Raises
    ------
    ValueError
        If the shapes differ, or a frequency is outside 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (chance and interval are ours).
    .. [2] Wilson, J. Am. Stat. Assoc. 22 (1927).

    Examples
    --------
    >>> match = match_frequencies(np.array([1, 1, 2, 0]), np.array([1, 1, 1, 3]), 4)
    >>> match.hits, match.n, match.chance, round(match.shuffled_chance, 3)
    (2, 3, 0.25, 0.667)
    """
    predicted, final = np.asarray(predicted), np.asarray(final)
    if predicted.shape != final.shape or predicted.ndim != 1:
        raise ValueError(
            f"predicted and final: expected one shape (m,), got {predicted.shape} and {final.shape}"
        )
    for name, k in (("predicted", predicted), ("final", final)):
        if ((k < 0) | (k > n_frequencies)).any():
            raise ValueError(f"{name}: expected a number in 0..{n_frequencies}, got {k.min()}..{k.max()}")
    compared = (predicted > 0) & (final > 0) & (True if among is None else np.asarray(among))
    predicted, final = predicted[compared], final[compared]
    n, hits = len(final), int((predicted == final).sum())
    if n == 0:
        share = low = high = shuffled = np.nan
    else:
        share = hits / n
        low, high = binomtest(hits, n).proportion_ci(method="wilson")
        counts = [np.bincount(k, minlength=n_frequencies + 1) for k in (predicted, final)]
        shuffled = float(counts[0] @ counts[1]) / n**2
    return FrequencyMatch(
        n=n,
        hits=hits,
        share=share,
        low=float(low),
        high=float(high),
        chance=1 / n_frequencies,
        shuffled_chance=shuffled,
    )
