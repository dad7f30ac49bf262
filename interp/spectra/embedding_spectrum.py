"""How many Fourier components an embedding uses, and whether cosine and sine weigh the same.

    p  tokens, residues, odd and at least 3     K  frequencies, (p - 1) / 2     d  width of the embedding
    ... leading axes: checkpoints, arms

mu_k and nu_k are the d-vectors of the embedding's cosine and sine coefficients at frequency k, summed over
all p tokens; a norm of at most 1e-12 of the largest is rounding and counts as 0. Both measures look at cosine
and sine apart: relabelling residues by a unit permutes frequencies and changes nothing, but shifting them
(a to a + 1) turns mu_k into nu_k and changes both measures.
"""

import numpy as np
from jaxtyping import Float

from interp.spectra.fourier import RELATIVE_ROUNDING, complex_amplitude

__all__ = ["fourier_coefficient_ratio", "fourier_frequency_density"]


def fourier_frequency_density(
    W_E: Float[np.ndarray, "... p d"], threshold: float = 0.5
) -> Float[np.ndarray, "..."]:
    """Share of the 2K cosines and sines whose norm exceeds `threshold` times the largest (FFD).

    1/(2K) sum_k 1[|mu_k| / max |mu| > eta] + 1[|nu_k| / max |nu| > eta], cosines relative to the largest
    cosine and sines to the largest sine. White noise of large d has 1, since its norms are all alike; a
    single frequency has 1/K, or 1/(2K) if it is a mere cosine or sine.

    Parameters
    ----------
    W_E : Float[np.ndarray, "... p d"]
        A row per residue; rows of other tokens (such as =) left out by the caller.
    threshold : float
        eta, in [0, 1).

    Returns
    -------
    Float[np.ndarray, "..."]
        Dimensionless, in [1/(2K), 1]; low is sparse. The constant is excluded. NaN if all rows are equal.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_E` is not finite or has no row axis, or `threshold` leaves [0, 1).

    References
    ----------
    .. [1] Furuta et al., arXiv:2402.16726, Fourier Frequency Density (its sums run over half of the tokens,
       which are not orthogonal; all p here).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(fourier_frequency_density(fourier_basis(11)[[3, 4]].T))  # cosine and sine of frequency 2
    0.2
    """
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold: expected a number in [0, 1), got {threshold}")
    norms = _cosine_and_sine(W_E)  # (..., 2, K)
    density = (norms > threshold * norms.max(axis=-1, keepdims=True)).mean(axis=(-1, -2))
    return np.where(density > 0, density, np.nan)  # what is not dead has its largest norm


def fourier_coefficient_ratio(W_E: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "..."]:
    """Smaller over larger of cosine and sine norm, averaged over frequencies (FCR).

    mean_k min(|mu_k| / |nu_k|, |nu_k| / |mu_k|). A frequency that the embedding lacks altogether has no ratio
    and is left out. White noise averages about 1 - sqrt(2 / (pi d)), 0.93 at d = 128; a circle, cosine and
    sine alike, has 1, and a mere cosine or sine 0: read it beside the density.

    Parameters
    ----------
    W_E : Float[np.ndarray, "... p d"]
        A row per residue; rows of other tokens (such as =) left out by the caller.

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
    norms = _cosine_and_sine(W_E)
    smaller, larger = norms.min(axis=-2), norms.max(axis=-2)  # (..., K)
    used = larger > 0
    ratios = smaller / np.where(used, larger, 1)
    n_used = used.sum(axis=-1)
    return np.asarray(ratios.sum(axis=-1) / np.where(n_used == 0, np.nan, n_used))


def _cosine_and_sine(W_E: Float[np.ndarray, "... p d"]) -> Float[np.ndarray, "... 2 K"]:
    """Norms |mu_k| and |nu_k|, up to a common factor."""
    if np.ndim(W_E) < 2:
        raise ValueError(f"W_E: expected shape (..., p, d), a row per residue, got shape {np.shape(W_E)}")
    z, _ = complex_amplitude(np.swapaxes(W_E, -1, -2))  # (..., d, K)
    norms = np.linalg.norm(np.stack([z.real, z.imag], axis=-3), axis=-2)
    return np.where(norms > RELATIVE_ROUNDING * norms.max(axis=(-1, -2), keepdims=True), norms, 0)
