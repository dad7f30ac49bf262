"""Fourier power of weights, and the dominant frequency of each neuron.

p  residues, odd and at least 3          K  frequencies, (p - 1) / 2
m  neurons                               d  columns that share the residues (embedding width)
... leading axes: checkpoints, arms, neurons
"""

import numpy as np
from jaxtyping import Complex, Float, Int

from interp.spectra.fourier import checked_map, complex_amplitude
from interp.spectra.tied_frequencies import first_largest

__all__ = [
    "checked_frequency",
    "frequency_norms",
    "frequency_power",
    "mean_over_neurons",
    "neuron_frequency",
    "relative_amplitude",
    "relative_to_largest",
]


def frequency_norms(W: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "... K"]:
    """Norm of a weight matrix at each Fourier frequency.

    Row `a` of `W` belongs to residue `a`. The norm is the square root of the sum of squares of the cosine and
    sine coefficients (orthonormal basis) over the d columns.

    Parameters
    ----------
    W : Float[np.ndarray, "... p d"]
        One row per residue.

    Returns
    -------
    Float[np.ndarray, "... K"]
        Entry k-1 is frequency k, in the units of `W`. The mean over residues is excluded. 0 for a matrix
        whose rows are all equal.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite or has no row axis.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (cosine and sine apart there, together here).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(frequency_norms(np.stack([fourier_basis(7)[3], 2 * fourier_basis(7)[6]], axis=1)).round(9))
    [0. 1. 2.]
    """
    z, scale = relative_amplitude(W)
    return scale[..., None] * _norms_over_columns(z)


def _norms_over_columns(z: Complex[np.ndarray, "... d K"]) -> Float[np.ndarray, "... K"]:
    p = 2 * z.shape[-1] + 1
    return np.sqrt(p / 2) * np.linalg.norm(z, axis=-2)


def relative_amplitude(
    W: Float[np.ndarray, "... p d"], argument: str = "W"
) -> tuple[Complex[np.ndarray, "... d K"], Float[np.ndarray, "..."]]:
    """Complex amplitudes of a matrix' columns over its largest entry, and that entry.

    Their squares neither under- nor overflow, whatever the matrix' scale.

    Parameters
    ----------
    W : Float[np.ndarray, "... p d"]
        One row per residue.
    argument : str
        The caller's name for `W`, used in the error.

    Returns
    -------
    amplitude : Complex[np.ndarray, "... d K"]
        As from `complex_amplitude`, dimensionless.
    largest : Float[np.ndarray, "..."]
        Largest magnitude in the matrix, in the units of `W`.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite or has no row axis.

    References
    ----------
    .. [1] As `relative_to_largest`.

    Examples
    --------
    >>> z, largest = relative_amplitude(1e-200 * np.cos(2 * np.pi * np.arange(5) / 5)[:, None])
    >>> float(abs(z[0, 0]).round(9)), float(largest)
    (1.0, 1e-200)
    """
    if np.ndim(W) < 2:
        raise ValueError(
            f"{argument}: expected shape (..., p, d), a row per residue, got shape {np.shape(W)}"
        )
    x = checked_map(np.swapaxes(W, -1, -2), argument)  # (..., d, p)
    largest = np.abs(x).max(axis=(-1, -2), initial=0)
    z, _ = complex_amplitude(x / np.where(largest > 0, largest, 1)[..., None, None])
    return z, np.asarray(largest)


def frequency_power(W: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "... K"]:
    """Share of a weight matrix's variance at each Fourier frequency.

    Row `a` of `W` belongs to residue `a`; the mean over residues is removed.

    Parameters
    ----------
    W : Float[np.ndarray, "... p d"]
        One row per residue mod p, p odd and at least 3.

    Returns
    -------
    Float[np.ndarray, "... K"]
        Entry k-1 is frequency k in cycles per p residues. Dimensionless, sums to 1. NaN for a matrix whose
        rows are all equal (a layer pruned away).

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite or has no row axis.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (norms there; squared here, so shares add up).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(frequency_power(np.stack([fourier_basis(7)[3], 2 * fourier_basis(7)[6]], axis=1)).round(9))
    [0.  0.2 0.8]
    """
    power = relative_to_largest(_norms_over_columns(relative_amplitude(W)[0])) ** 2
    return power / power.sum(axis=-1, keepdims=True)


def neuron_frequency(
    W: Float[np.ndarray, "... p"],
) -> tuple[Int[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Dominant frequency of every neuron, and its energy share.

    The dominant frequency is the one of largest amplitude.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.

    Returns
    -------
    frequency : Int[np.ndarray, "..."]
        In 1..K; 0 for a dead neuron. The constant is excluded. The smallest where several amplitudes are the
        largest but for rounding (1e-6 of it), as for one kept one-hot weight: `has_tied_frequency`.
    energy_share : Float[np.ndarray, "..."]
        Squared amplitude of this frequency over the sum of all K squared amplitudes: 1 for a single
        frequency, small without a clear frequency, NaN for a dead neuron.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, dominant frequency of a neuron (energy share added here).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> frequency, share = neuron_frequency(np.stack([fourier_basis(7)[4], np.zeros(7)]))
    >>> print(frequency, share.round(9))
    [2 0] [ 1. nan]
    """
    z, dead = complex_amplitude(W)
    amplitude = relative_to_largest(np.abs(z))  # (..., K)
    frequency = np.where(dead, 0, first_largest(amplitude) + 1)
    return frequency, np.asarray(1 / (amplitude**2).sum(axis=-1))  # the dominant one has relative power 1


def checked_frequency(frequency: Int[np.ndarray, "..."], n_frequencies: int) -> Int[np.ndarray, "..."]:
    """Return the neurons' frequencies after checking their range.

    Parameters
    ----------
    frequency : Int[np.ndarray, "..."]
        One per neuron, as from `neuron_frequency`; 0 for a neuron without a frequency.
    n_frequencies : int
        K = (p - 1) / 2.

    Returns
    -------
    Int[np.ndarray, "..."]
        Equal to `frequency`.

    Raises
    ------
    ValueError
        If a frequency is outside 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (frequencies 1..K; 0 for a dead neuron is ours).

    Examples
    --------
    >>> checked_frequency(np.array([3, 0]), 5).tolist()
    [3, 0]
    """
    k = np.asarray(frequency)
    if ((k < 0) | (k > n_frequencies)).any():
        raise ValueError(f"frequency: expected 1..{n_frequencies}, or 0 for none, got {k.min()}..{k.max()}")
    return k


def mean_over_neurons(
    values: Float[np.ndarray, "... m"],
) -> tuple[Float[np.ndarray, "..."], Int[np.ndarray, "..."]]:
    """Mean of a measure over the live neurons, and the number left out.

    Parameters
    ----------
    values : Float[np.ndarray, "... m"]
        One number per neuron, NaN where the neuron is dead.

    Returns
    -------
    mean : Float[np.ndarray, "..."]
        In the units of `values`; NaN where all neurons are dead.
    n_skipped : Int[np.ndarray, "..."]
        Number of NaN entries, excluded from the mean.

    Raises
    ------
    ValueError
        If there is no neuron axis.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (Fourier entropy is a mean over neurons).

    Examples
    --------
    >>> mean, n_skipped = mean_over_neurons(np.array([1.0, 2.0, np.nan]))
    >>> float(mean), int(n_skipped)
    (1.5, 1)
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim == 0:
        raise ValueError("values: expected neurons on its last axis, shape (..., m), got shape ()")
    skipped = np.isnan(values)
    n_live = (~skipped).sum(axis=-1)
    total = np.where(skipped, 0.0, values).sum(axis=-1)
    return np.asarray(total / np.where(n_live == 0, np.nan, n_live)), np.asarray(skipped.sum(axis=-1))


def relative_to_largest(x: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "... n"]:
    """Divide by the largest entry of the last axis.

    Later powers of the result then do not underflow.

    Parameters
    ----------
    x : Float[np.ndarray, "... n"]
        Amplitudes, at least 0.

    Returns
    -------
    Float[np.ndarray, "... n"]
        In [0, 1]; NaN where all are 0.

    References
    ----------
    .. [1] Scaling before squaring, as in LAPACK's `nrm2`; measures of the result do not depend on scale.

    Examples
    --------
    >>> relative_to_largest(np.array([0.0, 1e-300, 4e-300])).tolist()
    [0.0, 0.25, 1.0]
    """
    top = x.max(axis=-1, keepdims=True)
    return x / np.where(top > 0, top, np.nan)
