"""Spread of neurons over frequencies, phases and amplitudes.

    K  frequencies, (p - 1) / 2         r  orders of phase symmetry, 1..4
    m  neurons                          ... leading axes: checkpoints, arms

Each neuron of a two-layer network has one frequency, 1..K, and a phase and an amplitude at this frequency
(`interp.mechanism.phase_alignment`). The neurons of one frequency are a *group*. A network that adds by
majority vote uses all frequencies equally and spreads the phases of each group evenly. Dead neurons
(`interp.spectra.fourier`) have frequency 0 and a NaN phase; they are in no group, and are counted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from interp.spectra.weight_spectrum import checked_frequency, mean_over_neurons

__all__ = ["FrequencyCounts", "PhaseSymmetry", "amplitude_variation", "frequency_counts", "phase_symmetry"]

ORDERS = np.arange(1, 5)
"""Orders iota of the phase symmetry."""


@dataclass(frozen=True, kw_only=True)
class PhaseSymmetry:
    """Resultant lengths R of the phases in each frequency group.

    iota is the order of the symmetry: R_iota is the length of the mean of exp(i iota phi) over the group. It
    is 0 if the phases times iota are spread evenly, and 1 if they are all equal.
    """

    R: Float[np.ndarray, "*batch K r"]
    """|mean exp(i iota phi)| for iota = 1..4, in [0, 1]; NaN in an empty group."""
    n_neurons: Int[np.ndarray, "*batch K"]
    """Number of live neurons in the group."""
    baseline: Float[np.ndarray, "*batch K"]
    """Rayleigh baseline: mean R of n independent uniform phases, sqrt(pi / 4n).

    The formula is for large n. At n = 1 it gives 0.886 where 1 is exact.
    """


@dataclass(frozen=True, kw_only=True)
class FrequencyCounts:
    """Number of neurons per frequency, with a test of uniformity."""

    count: Int[np.ndarray, "*batch K"]
    """Number of live neurons per frequency."""
    chi2: Float[np.ndarray, "*batch"]
    """Pearson's statistic with K - 1 degrees of freedom; NaN if no neuron is live."""
    p_value: Float[np.ndarray, "*batch"]
    """Probability of a `chi2` at least as large if all frequencies were equally likely."""
    n_dead: Int[np.ndarray, "*batch"]
    """Number of neurons without a frequency, excluded."""


def phase_symmetry(
    phase: Float[np.ndarray, "*batch m"], frequency: Int[np.ndarray, "*batch m"], n_frequencies: int
) -> PhaseSymmetry:
    """Evenness of the phases in each frequency group.

    The measure is R_iota = |mean exp(i iota phi)| for the orders iota = 1..4.

    Parameters
    ----------
    phase : Float[np.ndarray, "*batch m"]
        Radians, such as `Misalignment.input_phase`; NaN for a dead neuron, which is excluded.
    frequency : Int[np.ndarray, "*batch m"]
        Group of each neuron, 1..K; 0 for no group.
    n_frequencies : int
        K = (p - 1) / 2.

    Returns
    -------
    PhaseSymmetry
        R for each frequency and order, group sizes, and the Rayleigh baseline: the R that random phases have
        on average.

    Raises
    ------
    ValueError
        If the shapes differ, or a frequency is outside 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, phase symmetry (the baseline is ours).

    Examples
    --------
    >>> result = phase_symmetry(2 * np.pi * np.arange(3) / 3, np.array([1, 1, 1]), 2)
    >>> print(result.R[0].round(9), result.n_neurons)
    [0. 0. 1. 0.] [3 0]
    """
    if np.shape(phase) != np.shape(frequency) or np.ndim(phase) < 1:
        raise ValueError(
            f"phase and frequency: expected one shape (..., m), got {np.shape(phase)}, {np.shape(frequency)}"
        )
    k = np.where(np.isnan(phase), 0, checked_frequency(frequency, n_frequencies))
    member = (k[..., None, :] == np.arange(1, n_frequencies + 1)[:, None]).astype(np.float64)  # (..., K, m)
    turn = np.exp(1j * np.where(k == 0, 0, phase)[..., None] * ORDERS)  # (..., m, r)
    n = member.sum(axis=-1).astype(np.int64)  # (..., K)
    size = np.where(n == 0, np.nan, n)
    resultant = np.hypot(member @ turn.real, member @ turn.imag)  # (..., K, r)
    return PhaseSymmetry(R=resultant / size[..., None], n_neurons=n, baseline=np.sqrt(np.pi / (4 * size)))


def frequency_counts(frequency: Int[np.ndarray, "*batch m"], n_frequencies: int) -> FrequencyCounts:
    """Number of neurons per frequency, tested against uniform use.

    The test is Pearson's chi-squared test.

    Parameters
    ----------
    frequency : Int[np.ndarray, "*batch m"]
        Per neuron, 1..K; 0 for a dead neuron, which is excluded.
    n_frequencies : int
        K = (p - 1) / 2. With K = 1 there is no test: statistic and p-value are NaN.

    Returns
    -------
    FrequencyCounts
        Counts, statistic and p-value. The p-value is that of large samples: with fewer than about five
        neurons per frequency (for instance 48 over 33) it is inaccurate.

    Raises
    ------
    ValueError
        If a frequency is outside 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, frequency diversification (the test is ours).

    Examples
    --------
    >>> result = frequency_counts(np.array([1, 2, 2, 3, 0]), 3)
    >>> print(result.count, result.chi2, result.n_dead)
    [1 2 1] 0.5 1
    """
    k = checked_frequency(frequency, n_frequencies)
    if k.ndim < 1:
        raise ValueError("frequency: expected neurons on its last axis, shape (..., m), got shape ()")
    count = (k[..., None, :] == np.arange(1, n_frequencies + 1)[:, None]).sum(axis=-1)  # (..., K)
    chi2, p_value = np.full(k.shape[:-1], np.nan), np.full(k.shape[:-1], np.nan)  # (...)
    testable = count.any(axis=-1) & (n_frequencies > 1)
    if testable.any():
        test = stats.chisquare(count[testable], axis=-1)
        chi2[testable], p_value[testable] = test.statistic, test.pvalue
    return FrequencyCounts(count=count, chi2=chi2, p_value=p_value, n_dead=np.asarray((k == 0).sum(axis=-1)))


def amplitude_variation(amplitude: Float[np.ndarray, "... m"]) -> Float[np.ndarray, "..."]:
    """Coefficient of variation of the neurons' amplitudes.

    Parameters
    ----------
    amplitude : Float[np.ndarray, "... m"]
        alpha or beta of every neuron, at least 0. NaN and 0 mark dead neurons, which are excluded.

    Returns
    -------
    Float[np.ndarray, "..."]
        Standard deviation (ddof 0) over mean, dimensionless: 0 if all amplitudes are equal. NaN if no neuron
        is live.

    Raises
    ------
    ValueError
        If an amplitude is negative, or there is no neuron axis.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, magnitude homogeneity.

    Examples
    --------
    >>> float(amplitude_variation(np.array([1.0, 3.0, np.nan])))
    0.5
    """
    amplitude = np.asarray(amplitude, dtype=np.float64)
    if (amplitude < 0).any():
        raise ValueError(f"amplitude: expected at least 0, got {amplitude.min()}")
    live = np.where(amplitude > 0, amplitude, np.nan)
    mean, _ = mean_over_neurons(live)
    square, _ = mean_over_neurons((live / mean[..., None] - 1) ** 2)
    return np.asarray(np.sqrt(square))
