"""Overlap of two networks' frequencies, with chance levels.

    m  neurons     K  frequencies, (p - 1) / 2     n  frequencies in use     ... leading axes: checkpoints

The networks are compared by the set of frequencies in use, or neuron by neuron. Every measure comes with its
chance level: networks that use four frequencies of 33 agree in more than 1 / K of their neurons by chance.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.stats import hypergeom

from interp.spectra.weight_spectrum import checked_frequency

__all__ = ["SetOverlap", "second_harmonic", "set_overlap", "weighted_agreement"]


@dataclass(frozen=True)
class SetOverlap:
    """Overlap of two sets of frequencies, with its chance level."""

    common: int
    """Number of frequencies in both sets."""
    jaccard: float
    """Number in both sets over number in either; NaN if both are empty."""
    chance: float
    """Mean of `jaccard` over all sets of the size of the first."""
    p_value: float
    """Share of these sets with at least as many frequencies in common."""


def set_overlap(
    first: Int[np.ndarray, " n_first"], second: Int[np.ndarray, " n_second"], n_frequencies: int
) -> SetOverlap:
    """Jaccard overlap of two sets of frequencies.

    It is compared with the overlap of a random set.

    Parameters
    ----------
    first, second : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once.
    n_frequencies : int
        K.

    Returns
    -------
    SetOverlap
        Chance level and p-value are exact: the number in common with a random set is hypergeometric.

    Raises
    ------
    ValueError
        If a frequency is outside 1..K or repeated.

    References
    ----------
    .. [1] Feller, An Introduction to Probability Theory, vol. 1, Ch. II.6 (hypergeometric law).

    Examples
    --------
    >>> overlap = set_overlap(np.array([1, 2]), np.array([2, 3]), 4)
    >>> overlap.common, round(overlap.jaccard, 3), round(overlap.chance, 3), round(overlap.p_value, 3)
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
    """Weighted share of neurons with the frequency of a reference.

    Neuron i is compared with neuron i of the reference.

    Parameters
    ----------
    frequency : Int[np.ndarray, "... m"]
        From `neuron_frequency`; 0 for a dead neuron, which is left out.
    reference : Int[np.ndarray, " m"]
        Frequencies of the reference; 0 for a dead neuron, which is left out.
    weight : Float[np.ndarray, " m"], optional
        Weight of each neuron, at least 0, in any units (such as energy); 1 by default.

    Returns
    -------
    share : Float[np.ndarray, "..."]
        In [0, 1]; NaN if the total weight of the neurons compared is 0.
    chance : Float[np.ndarray, "..."]
        Mean of `share` over all permutations of `frequency` over the neurons compared.

    Raises
    ------
    ValueError
        If the shapes differ, a frequency is negative, or a weight is negative or not finite.

    References
    ----------
    .. [1] Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960) (chance from
       the counts of both sides; the weights are ours).

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
    live_weight = live * w
    total = live_weight.sum(axis=-1)
    total = np.where(total > 0, total, np.nan)
    frequencies = np.arange(1, K + 1)[:, None]  # (K, 1)
    count = ((k[..., None, :] == frequencies) & live[..., None, :]).sum(axis=-1)  # (..., K)
    reference_weight = ((final == frequencies) * live_weight[..., None, :]).sum(axis=-1)  # (..., K)
    share = ((k == final) * live_weight).sum(axis=-1) / total
    chance = (count * reference_weight).sum(axis=-1) / (np.maximum(live.sum(axis=-1), 1) * total)
    return np.asarray(share), np.asarray(chance)


def second_harmonic(amplitude: Complex[np.ndarray, "... K"]) -> Complex[np.ndarray, "... K"]:
    """Amplitude of every frequency's second harmonic.

    A mask by magnitude keeps a weight whatever its sign. A wave without its sign moves to the second
    harmonic: |cos(omega j + phi)| has no part at omega, and a part of phase 2 phi at 2 omega.

    Parameters
    ----------
    amplitude : Complex[np.ndarray, "... K"]
        From `complex_amplitude`.

    Returns
    -------
    Complex[np.ndarray, "... K"]
        Entry k-1 is the amplitude at frequency 2k; for 2k above K, the conjugate of the amplitude at p - 2k,
        which is an equal wave on the residues. A permutation of the entries, up to conjugation.

    Raises
    ------
    ValueError
        If there is no frequency.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (the magnitude mask; its second harmonic is ours).

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
