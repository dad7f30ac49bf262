"""Which pairs of frequencies a function of two residues is made of.

p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     q  K + 1, with the constant
a, b  the two inputs, residues      c  columns: classes or neurons
"""

import numpy as np
from jaxtyping import Float

from interp.spectra.fourier import RELATIVE_ROUNDING, checked_map, fourier_coefficients

__all__ = ["pair_power", "spectrum_2d"]

BLOCK = 64
"""Columns transformed at once: the spectra of all of a large network's would leave the processor's cache."""


def spectrum_2d(X: Float[np.ndarray, "... p p"]) -> Float[np.ndarray, "... p p"]:
    """Two-dimensional Fourier spectrum F X F^T of a function of two residues (logits, activations).

    Parameters
    ----------
    X : Float[np.ndarray, "... p p"]
        Value at inputs (a, b) on the last two axes.

    Returns
    -------
    Float[np.ndarray, "... p p"]
        Entry (i, j) is the coefficient of basis vector i over a times basis vector j over b, in the order of
        `fourier_basis`; units of `X`, same sum of squares. Nothing is excluded.

    Raises
    ------
    ValueError
        If the last two axes differ, p is even or below 3, or `X` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (Fourier components of activations over both inputs).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> F = fourier_basis(5)
    >>> S = spectrum_2d(np.outer(F[1], F[4]))
    >>> float(S[1, 4].round(9)), int((np.abs(S) > 1e-9).sum())
    (1.0, 1)
    """
    if np.ndim(X) < 2 or np.shape(X)[-1] != np.shape(X)[-2]:
        raise ValueError(f"X: expected shape (..., p, p), got shape {np.shape(X)}")
    over_b = fourier_coefficients(checked_map(X, "X"))  # (..., a, j)
    return np.swapaxes(fourier_coefficients(np.swapaxes(over_b, -1, -2)), -1, -2)  # (..., i, j)


def pair_power(X: Float[np.ndarray, "p p c"]) -> Float[np.ndarray, "q q"]:
    """Share of the variance of all columns that is at frequency k over a and frequency l over b.

    Cosine and sine of a frequency are added up, so shifts and reflections of either input change nothing. A
    function of a + b or a - b has all on the diagonal; one of a alone has all in column 0.

    Parameters
    ----------
    X : Float[np.ndarray, "p p c"]
        Value of every column at inputs (a, b): logits, activations of neurons, attention of heads.

    Returns
    -------
    Float[np.ndarray, "q q"]
        Row k, column l, from 0 (no dependence). Dimensionless, sums to 1; entry (0, 0), each column's mean,
        is excluded. NaN if every column is constant.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, or `X` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (norms of the 2-D Fourier components of the logits, cosine
       and sine apart there; shares of their squares here).

    Examples
    --------
    >>> angle = 2 * np.pi * np.arange(5) / 5
    >>> X = 7 + np.cos(np.add.outer(angle, angle)) + np.sin(2 * angle)[:, None]  # of a + b, and of a
    >>> print(pair_power(X[..., None]).round(9))
    [[0.  0.  0. ]
     [0.  0.5 0. ]
     [0.5 0.  0. ]]
    """
    shape = np.shape(X)
    if len(shape) != 3 or shape[0] != shape[1]:
        raise ValueError(f"X: expected shape (p, p, c), got shape {shape}")
    columns = checked_map(np.moveaxis(X, -1, 0), "X")  # (c, p, p)
    top = np.abs(columns).max(initial=0) or 1.0
    power = np.zeros(shape[:2])
    for start in range(0, max(1, len(columns)), BLOCK):
        some = columns[start : start + BLOCK] / top
        varies = np.ptp(some, axis=(-1, -2)) > RELATIVE_ROUNDING * np.abs(some).max(axis=(-1, -2), initial=0)
        power += (spectrum_2d(some[varies]) ** 2).sum(axis=0)
    power[0, 0] = 0
    over_a = _cosine_with_sine(power)
    blocks = _cosine_with_sine(over_a.T).T
    total = blocks.sum()
    return blocks / (total if total > 0 else np.nan)


def _cosine_with_sine(power: Float[np.ndarray, "p s"]) -> Float[np.ndarray, "q s"]:
    return np.concatenate([power[:1], power[1::2] + power[2::2]])
