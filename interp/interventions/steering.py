"""Steering: waves of an embedding moved along the residues.

p  residues, odd and at least 3     d  columns: width of an embedding, or neurons     n  frequencies
"""

import numpy as np
from jaxtyping import Float, Int

from interp.spectra.fourier import fourier_waves

__all__ = ["shifted_frequencies"]


def shifted_frequencies(
    W: Float[np.ndarray, "p d"], frequencies: Int[np.ndarray, " n"], shift: int
) -> Float[np.ndarray, "p d"]:
    """Weights whose waves of some frequencies have their values of other residues.

    The pair of Fourier coefficients of each of these frequencies is turned by omega_k times the shift: row a
    has at these frequencies what row a + shift had, and keeps its mean and all other frequencies.

    Parameters
    ----------
    W : Float[np.ndarray, "p d"]
        A row per residue, as an embedding.
    frequencies : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once; with all K the rows are those of a + shift.
    shift : int
        Number of residues, of either sign.

    Returns
    -------
    Float[np.ndarray, "p d"]
        Float64.

    Raises
    ------
    ValueError
        If p is even or below 3, or a frequency is outside 1..K or repeated.

    References
    ----------
    .. [1] DEFINITIONS.md, section 6, interventions.

    Examples
    --------
    >>> rows = np.arange(5.0)[:, None]
    >>> shifted_frequencies(rows, np.array([1, 2]), 1)[:, 0].round(9).tolist()
    [1.0, 2.0, 3.0, 4.0, 0.0]
    """
    rows = np.asarray(W, dtype=np.float64)
    waves = fourier_waves(frequencies, len(rows)).reshape(-1, len(rows))
    return rows + waves.T @ (waves @ (np.roll(rows, -shift, axis=0) - rows))
