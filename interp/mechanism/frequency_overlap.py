"""What two networks have in common: the frequencies in use, and the frequency of each neuron.

    m  neurons     K  frequencies, (p - 1) / 2     n  frequencies in use     ... leading axes: checkpoints

Agreement of two lists of frequencies is worth nothing without chance: networks that use four frequencies of
33 agree in more neurons than 1 / K. Each measure gives its own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.stats import hypergeom

from interp.spectra.weight_spectrum import checked_frequency

__all__ = ["SetOverlap", "second_harmonic", "set_overlap", "weighted_agreement"]


@dataclass(frozen=True)
class SetOverlap:
    """How far two sets of frequencies are the same."""

    common: int
    """Frequencies in both."""
    jaccard: float
    """common / in either; NaN if both are empty."""
    chance: float
    """Mean of `jaccard` over all sets of the first one's size."""
    p_value: float
    """Share of those that have as many in common, or more."""


def set_overlap(
    first: Int[np.ndarray, " n_first"], second: Int[np.ndarray, " n_second"], n_frequencies: int
) -> SetOverlap:
    """Jaccard overlap of two sets of frequencies beside that of a set drawn at random.

    Parameters
    ----------
    first, second : Int[np.ndarray, " n"]
        Different frequencies, each in 1..K.
    n_frequencies : int
        K.

    Returns
    -------
    SetOverlap
        The number in common is hypergeometric by chance, so its moments are exact sums, not samples.

    Raises
    ------
    ValueError
        If a frequency leaves 1..K or comes twice.

    References
    ----------
    .. [1] Feller, An Introduction to Probability Theory, vol. 1, Ch. II.6 (hypergeometric law).

    Examples
    --------
    >>> found = set_overlap(np.array([1, 2]), np.array([2, 3]), 4)
    >>> found.common, round(found.jaccard, 3), round(found.chance, 3), round(found.p_value, 3)
    (1, 0.333, 0.389, 0.833)
    """
    for name, k in (("first", first), ("second", second)):
        distinct = np.unique(k)
        if len(distinct) < len(k) or ((distinct < 1) | (distinct > n_frequencies)).any():
            raise ValueError(
                f"{name}: expected different frequencies in 1..{n_frequencies}, got {np.asarray(k).tolist()}"
            )
    a, b = len(first), len(second)
    if a + b == 0:
        return SetOverlap(0, np.nan, np.nan, 1.0)
    common = len(np.intersect1d(first, second))
    law = hypergeom(n_frequencies, b, a)
    possible = np.arange(min(a, b) + 1)
    return SetOverlap(
        common=common,
        jaccard=common / (a + b - common),
        chance=float((law.pmf(possible) * possible / (a + b - possible)).sum()),
        p_value=min(1.0, float(law.sf(common - 1))),
    )


def weighted_agreement(
    frequency: Int[np.ndarray, "... m"],
    reference: Int[np.ndarray, " m"],
    weight: Float[np.ndarray, " m"] | None = None,
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Share of the neurons that have the frequency of the same neuron of a reference, each by its weight.

    Parameters
    ----------
    frequency : Int[np.ndarray, "... m"]
        From `neuron_frequency`; 0 for a dead neuron, which is left out.
    reference : Int[np.ndarray, " m"]
        Likewise.
    weight : Float[np.ndarray, " m"], optional
        At least 0, in any units (energies, say); 1 by default.

    Returns
    -------
    share : Float[np.ndarray, "..."]
        In [0, 1]; NaN if nothing is left that has a weight.
    chance : Float[np.ndarray, "..."]
        Its mean over all orders in which `frequency` can be dealt out to the neurons compared.

    Raises
    ------
    ValueError
        If the shapes differ, a frequency is negative, or a weight is negative or not finite.

    References
    ----------
    .. [1] Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960) (chance from
       both sides' own counts; weights ours).

    Examples
    --------
    >>> share, chance = weighted_agreement(
    ...     np.array([[1, 1, 2], [1, 2, 2]]), np.array([1, 2, 2]), np.array([2.0, 1.0, 1.0])
    ... )
    >>> print(share, chance.round(3))
    [0.75 1.  ] [0.5 0.5]
    """
    k, final = np.asarray(frequency), np.asarray(reference)
    w = np.ones(final.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    if final.ndim != 1 or k.ndim < 1 or k.shape[-1:] != final.shape or w.shape != final.shape:
        raise ValueError(
            "frequency, reference and weight: expected shapes (..., m), (m,) and (m,), "
            f"got {k.shape}, {final.shape} and {w.shape}"
        )
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError(f"weight: expected finite numbers from 0, got {w.min()} to {w.max()}")
    K = int(max(k.max(initial=0), final.max(initial=0)))
    k, final = checked_frequency(k, K), checked_frequency(final, K)
    live = (k > 0) & (final > 0)  # (..., m)
    of_weight = live * w
    total = of_weight.sum(axis=-1)
    total = np.where(total > 0, total, np.nan)
    each = np.arange(1, K + 1)[:, None]  # (K, 1)
    n_with = ((k[..., None, :] == each) & live[..., None, :]).sum(axis=-1)  # (..., K)
    weight_with = ((final == each) * of_weight[..., None, :]).sum(axis=-1)  # (..., K)
    share = ((k == final) * of_weight).sum(axis=-1) / total
    chance = (n_with * weight_with).sum(axis=-1) / (np.maximum(live.sum(axis=-1), 1) * total)
    return np.asarray(share), np.asarray(chance)


def second_harmonic(amplitude: Complex[np.ndarray, "... K"]) -> Complex[np.ndarray, "... K"]:
    """Amplitude of every frequency's second harmonic, where a wave that has lost its sign is found.

    A magnitude mask keeps what is large either way: |cos(omega j + phi)| has no part at omega, and at
    2 omega one of phase 2 phi.

    Parameters
    ----------
    amplitude : Complex[np.ndarray, "... K"]
        From `complex_amplitude`.

    Returns
    -------
    Complex[np.ndarray, "... K"]
        Entry k-1 is the amplitude at 2k mod p; above K, at p - 2k with the phase turned round, which is the
        same wave. A permutation of the entries, up to conjugation.

    Raises
    ------
    ValueError
        If there is no frequency.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (the magnitude mask; reading it at 2k is ours).

    Examples
    --------
    >>> print(second_harmonic(np.array([1 + 1j, 2 + 2j, 3 + 3j])))
    [2.+2.j 3.-3.j 1.-1.j]
    """
    z = np.asarray(amplitude)
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError(f"amplitude: expected shape (..., K), K at least 1, got {z.shape}")
    K = z.shape[-1]
    twice = 2 * np.arange(1, K + 1)
    return np.where(
        twice <= K, z[..., np.minimum(twice, K) - 1], np.conj(z[..., np.minimum(2 * K + 1 - twice, K) - 1])
    )
