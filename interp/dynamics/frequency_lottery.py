"""Which frequency a neuron ends with, told from its start: blow-up times, and four rules for the winner.

    m  neurons     K  frequencies, (p - 1) / 2     ... any axes

u = alpha exp(i phi) and v = beta exp(i psi) are amplitudes of a neuron's input and output map at every
frequency, D = 2 phi - psi their misalignment (`interp.dynamics.decoupled_flow`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.special import elliprf
from scipy.stats import binomtest

__all__ = ["LOTTERY_RULES", "FrequencyMatch", "blowup_time", "match_frequencies", "predicted_frequency"]

NEWTON_STEPS = 9  # from an upper bound of at most twice the root: converged after 6


@dataclass(frozen=True, kw_only=True)
class FrequencyMatch:
    """How often a rule named the frequency that won."""

    n: int
    """Neurons compared: those with a frequency both predicted and final."""
    hits: int
    """Of these, where both are the same."""
    share: float
    """hits / n; NaN if n is 0."""
    low: float
    """Lower end of the Wilson interval of `share`, neurons taken as independent; NaN if n is 0."""
    high: float
    """Its upper end."""
    chance: float
    """1 / K: a guess."""
    shuffled_chance: float
    """What the same predictions share with the same winners when dealt out to neurons at random."""


def blowup_time(
    u: Complex[np.ndarray, "*shape"], v: Complex[np.ndarray, "*shape"], p: int, *, mean_loss: bool = False
) -> Float[np.ndarray, "*shape"]:
    """Time at which the decoupled flow takes each component to infinity, in closed form.

    w = beta^2 obeys w' = +-2p sqrt(Q(w)), Q = w (2w + c1)^2 - c2^2, with the invariants c1 and c2 of the
    flow. With x1, x2, x3 the distances from w to the roots of Q, the way out takes R_F(x1, x2, x3) / 2p
    (Carlson's integral). If cos D < 0, w first falls to the largest root, and the way in is added.

    Parameters
    ----------
    u, v : Complex[np.ndarray, "*shape"]
        Amplitudes at time 0.
    p : int
        Number of residues.
    mean_loss : bool
        Of the loss averaged over the p^2 pairs, not summed: p^2 times later.

    Returns
    -------
    Float[np.ndarray, "*shape"]
        In units of 1 / amplitude. inf where the component never leaves: alpha = 0, or D = pi exactly and
        alpha^2 <= 2 beta^2. Finite where beta = 0: the output grows at once, and aligned.

    Raises
    ------
    ValueError
        If the shapes differ, or an amplitude is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (the integral; closed form ours).
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
    alpha2_turning = np.where(c1 < 0, c2 / np.where(c1 < 0, beta, 1), c1 + 2 * beta**2)  # without cancelling

    # From the turning point, where w = beta^2, to the other two roots: real, or a conjugate pair.
    spread = beta * np.sqrt(beta**2 - 2 * alpha2_turning + 0j)
    far = (beta**2 + alpha2_turning + spread) / 2
    product = alpha2_turning**2 / 4 + alpha2_turning * beta**2
    near = product / np.where(far == 0, 1, far)

    # From w to the turning point; refined, because where cos D is near 0 the difference cancels.
    x = np.maximum(np.where(c1 < 0, (alpha2 - alpha2_turning) / 2, w - beta**2), 0)
    others = ((x + near) * (x + far)).real
    x = np.where(others > 0, moment.real**2 / (4 * np.where(others > 0, others, 1)), x)

    out = elliprf(x + 0j, x + near, x + far).real
    whole = elliprf(0j, near, far).real
    with np.errstate(invalid="ignore"):  # inf - inf, where the way out is not taken
        time = np.where(moment.real >= 0, out, 2 * whole - out)
    time = np.where(size == 0, np.inf, time)
    return np.asarray(time / (2 * p * unit) * (p**2 if mean_loss else 1))


def _turning_beta(c1: Float[np.ndarray, "..."], c2: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Smallest beta of the orbit, the largest root of 2b^3 + c1 b = c2, by Newton from above.

    The cubic is convex there, so that the steps descend to the root and never pass it.
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
"""Score of a component by rule, the neuron's highest wins: -|D|, alpha, alpha^2 beta cos D, and -T, whose
order is the same for all p."""


def predicted_frequency(
    rule: str, u: Complex[np.ndarray, "... K"], v: Complex[np.ndarray, "... K"]
) -> Int[np.ndarray, "..."]:
    """The frequency that a rule says a neuron will end with.

    Parameters
    ----------
    rule : str
        A key of `LOTTERY_RULES`.
    u, v : Complex[np.ndarray, "... K"]
        Amplitudes at the start, frequencies on the last axis.

    Returns
    -------
    Int[np.ndarray, "..."]
        In 1..K, the smallest of equals; 0 for a neuron without input (components of alpha = 0 never grow)
        and, by `min_blowup_time`, for one that never leaves.

    Raises
    ------
    ValueError
        If the rule is unknown, the shapes differ, or there is no frequency.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (reports the misalignment rule).

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
    """Share of neurons whose final frequency was the predicted one, beside what chance gives.

    Parameters
    ----------
    predicted, final : Int[np.ndarray, "m"]
        In 1..K; neurons with 0 in either are left out.
    n_frequencies : int
        K.
    among : Bool[np.ndarray, "m"], optional
        Only these neurons.

    Returns
    -------
    FrequencyMatch
        Share with its 95 % interval, and two chance levels.

    Raises
    ------
    ValueError
        If the shapes differ, or a frequency leaves 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, lottery of the frequencies (chance and interval added here).
    .. [2] Wilson, J. Am. Stat. Assoc. 22 (1927).

    Examples
    --------
    >>> found = match_frequencies(np.array([1, 1, 2, 0]), np.array([1, 1, 1, 3]), 4)
    >>> found.hits, found.n, found.chance, round(found.shuffled_chance, 3)
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
    kept = (predicted > 0) & (final > 0) & (True if among is None else np.asarray(among))
    predicted, final = predicted[kept], final[kept]
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
