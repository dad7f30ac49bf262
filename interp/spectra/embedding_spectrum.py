"""Fourier frequency density (FFD) and coefficient ratio (FCR) of embeddings.

    p  tokens, residues, odd and at least 3     K  frequencies, (p - 1) / 2     d  width of the embedding
    ... leading axes: checkpoints, arms

FFD is the share of cosines and sines that an embedding uses; FCR tells whether cosine and sine of a frequency
are equally large. mu_k and nu_k are the d-vectors of the embedding's cosine and sine coefficients at
frequency k, summed over all p tokens. A norm of at most 1e-12 of the largest counts as 0.

Both measures treat cosine and sine separately. Multiplying all residues by a unit mod p permutes the
frequencies and changes neither measure; shifting the residues (a to a + 1) mixes mu_k with nu_k and changes
both.
"""

import numpy as np
from jaxtyping import Float

from interp.spectra.fourier import RELATIVE_ROUNDING
from interp.spectra.weight_spectrum import relative_amplitude

__all__ = ["fourier_coefficient_ratio", "fourier_frequency_density"]


def fourier_frequency_density(
    W_E: Float[np.ndarray, "... p d"], threshold: float = 0.5
) -> Float[np.ndarray, "..."]:
    """Share of large cosine and sine norms in an embedding (FFD).

    FFD = 1/(2K) sum_k 1[|mu_k| / max |mu| > eta] + 1[|nu_k| / max |nu| > eta]: cosines are compared with the
    largest cosine, sines with the largest sine. White noise of large d has 1, because its norms are nearly
    equal. A single frequency has 1/K, or 1/(2K) if it has only a cosine or only a sine.

    Parameters
    ----------
    W_E : Float[np.ndarray, "... p d"]
        A row per residue. The caller leaves out rows of other tokens (such as =).
    threshold : float
        eta, in [0, 1).

    Returns
    -------
    Float[np.ndarray, "..."]
        Dimensionless, in [1/(2K), 1]; low means few frequencies. The constant is excluded. NaN if all rows
        are equal.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_E` is not finite or has no row axis, or `threshold` is outside [0, 1).

    References
    ----------
    .. [1] Furuta et al., arXiv:2402.16726, Fourier Frequency Density. There the sums run over half of the
       tokens, where the waves are not orthogonal; here over all p.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(fourier_frequency_density(fourier_basis(11)[[3, 4]].T))  # cosine and sine of frequency 2
    0.2
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold: expected a number in [0, 1), got {threshold}")
    norms = _cosine_and_sine_norms(W_E)  # (..., 2, K)
    density = (norms > threshold * norms.max(axis=-1, keepdims=True)).mean(axis=(-1, -2))
    return np.where(density > 0, density, np.nan)  # 0 only if all norms are 0: else the largest counts


def fourier_coefficient_ratio(W_E: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "..."]:
    """Mean ratio of cosine and sine norms of an embedding (FCR).

    FCR = mean_k min(|mu_k| / |nu_k|, |nu_k| / |mu_k|). A frequency that the embedding does not have at all
    has no ratio and is left out. A circle (equal cosine and sine) has 1, only a cosine or only a sine has 0.
    White noise averages about 1 - sqrt(2 / (pi d)), which is 0.93 at d = 128: compare with
    `fourier_frequency_density`, which tells noise from few circles.

    Parameters
    ----------
    W_E : Float[np.ndarray, "... p d"]
        A row per residue. The caller leaves out rows of other tokens (such as =).

    Returns
    -------
    Float[np.ndarray, "..."]
        Dimensionless, in [0, 1]. The constant is excluded. NaN if all rows are equal.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W_E` is not finite or has no row axis.

    References
    ----------
    .. [1] Furuta et al., arXiv:2402.16726, Fourier Coefficient Ratio (sums over all p tokens here).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> float(fourier_coefficient_ratio(fourier_basis(11)[[3, 4]].T * [1.0, 0.8]).round(9))
    0.8
    """
    norms = _cosine_and_sine_norms(W_E)
    smaller, larger = norms.min(axis=-2), norms.max(axis=-2)  # (..., K)
    used = larger > 0
    ratios = smaller / np.where(used, larger, 1)
    n_used = used.sum(axis=-1)
    return np.asarray(ratios.sum(axis=-1) / np.where(n_used == 0, np.nan, n_used))


def _cosine_and_sine_norms(W_E: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "... 2 K"]:
    """Norms |mu_k| and |nu_k|, up to a common factor."""
    z, _ = relative_amplitude(W_E, "W_E")  # (..., d, K)
    norms = np.linalg.norm(np.stack([z.real, z.imag], axis=-3), axis=-2)
    return np.where(norms > RELATIVE_ROUNDING * norms.max(axis=(-1, -2), keepdims=True), norms, 0)
