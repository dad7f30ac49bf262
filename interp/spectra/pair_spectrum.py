"""Two-dimensional Fourier spectrum of functions of two residues.

p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     q  K + 1, with the constant
a, b  the two inputs, residues      c  columns: classes or neurons      m  neurons
... leading axes: checkpoints, arms
"""

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

from interp.spectra.fourier import RELATIVE_ROUNDING, checked_map, fourier_basis, fourier_coefficients
from interp.spectra.tied_frequencies import first_largest

__all__ = ["activation_frequency", "pair_power", "spectrum_2d"]

BLOCK_SIZE = 64
"""Columns transformed at once. The spectra of all columns of a large network do not fit the cache."""


def spectrum_2d(X: Float[np.ndarray, "... p p"]) -> Float[np.ndarray, "... p p"]:
    """Fourier coefficients F X F^T of a function of two residues.

    The function may be a logit or an activation over all input pairs.

    Parameters
    ----------
    X : Float[np.ndarray, "... p p"]
        Value at inputs (a, b) on the last two axes.

    Returns
    -------
    Float[np.ndarray, "... p p"]
        Entry (i, j) is the coefficient of basis vector i over a times basis vector j over b, in the order of
        `fourier_basis`. In the units of `X`, with the sum of squares of `X`. Nothing is excluded.

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
    """Share of variance at each pair of frequencies (k, l).

    k is the frequency over a, l over b. The squares of cosine and sine are added, so shifts and reflections
    of either input change nothing. A function of a + b or a - b lies on the diagonal, a function of a alone
    in column 0.

    Parameters
    ----------
    X : Float[np.ndarray, "p p c"]
        Value of every column at inputs (a, b): logits, activations of neurons, attention of heads.

    Returns
    -------
    Float[np.ndarray, "q q"]
        Row k, column l, both from 0 (no dependence). Over all columns of `X` together; dimensionless, sums
        to 1. Entry (0, 0), which is each column's mean, is excluded. NaN if every column is constant.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, or `X` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (there norms of the 2-D Fourier components of the logits,
       cosine and sine separate; here shares of their squares).

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
    for start in range(0, max(1, len(columns)), BLOCK_SIZE):
        block = columns[start : start + BLOCK_SIZE] / top
        varies = np.ptp(block, axis=(-1, -2)) > RELATIVE_ROUNDING * np.abs(block).max(
            axis=(-1, -2), initial=0
        )
        power += (spectrum_2d(block[varies]) ** 2).sum(axis=0)
    power[0, 0] = 0
    over_a = _add_cosine_and_sine(power)
    blocks = _add_cosine_and_sine(over_a.T).T
    total = blocks.sum()
    return blocks / (total if total > 0 else np.nan)


def _add_cosine_and_sine(power: Float[np.ndarray, "p s"]) -> Float[np.ndarray, "q s"]:
    return np.concatenate([power[:1], power[1::2] + power[2::2]])


def activation_frequency(
    activations: Float[np.ndarray, "... p p m"],
) -> tuple[Int[np.ndarray, "... m"], Float[np.ndarray, "... m"]]:
    """Dominant frequency of each neuron's activation over all input pairs.

    Block k of the 2-D spectrum has nine entries, {constant, cos k, sin k} over a times {constant, cos k,
    sin k} over b; without the constant one, eight. The dominant frequency is the k in 1..K whose block has
    the largest share of the variance over the p^2 pairs. In place of an activation, any function of the two
    inputs may be measured, such as the attention of a head to the first input.

    Parameters
    ----------
    activations : Float[np.ndarray, "... p p m"]
        Activation of each neuron (after its nonlinearity), or attention of each head, at inputs (a, b).

    Returns
    -------
    frequency : Int[np.ndarray, "... m"]
        In 1..K, the smallest on a tie (`first_largest`); 0 for a neuron that is constant over all pairs
        (dead).
    share : Float[np.ndarray, "... m"]
        Share of the neuron's variance in the block of this frequency, in [0, 1]; NaN if dead. The neuron's
        mean is excluded.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, or `activations` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (its code stops before k = K).

    Examples
    --------
    >>> angle = 2 * np.pi * 3 * np.arange(7) / 7
    >>> both = np.cos(angle)[:, None] + np.cos(angle)
    >>> frequency, share = activation_frequency(np.stack([both**2, 0 * both], axis=-1))
    >>> print(frequency, share.round(3))  # the square leaks to frequency 6 = 1 mod 7
    [3 0] [0.8 nan]
    """
    shape = np.shape(activations)
    if len(shape) < 3 or shape[-3] != shape[-2]:
        raise ValueError(f"activations: expected shape (..., p, p, m), got shape {shape}")
    x = checked_map(np.moveaxis(activations, -1, -3), "activations")  # (..., m, p, p)
    blocks = [
        _frequency_and_share(x[..., start : start + BLOCK_SIZE, :, :])
        for start in range(0, max(1, x.shape[-3]), BLOCK_SIZE)
    ]
    frequency, share = (np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True))
    return frequency, share


def _frequency_and_share(
    x: Float[np.ndarray, "... m p p"],
) -> tuple[Int[np.ndarray, "... m"], Float[np.ndarray, "... m"]]:
    """`activation_frequency` of a block of neurons, neuron axis before inputs.

    Only the nine coefficients of each frequency are computed, by products, which are faster than an FFT of
    prime length.
    """
    top = np.abs(x).max(axis=(-1, -2))  # (..., m)
    dead = np.ptp(x, axis=(-1, -2)) <= RELATIVE_ROUNDING * top
    x = x / np.where(dead, 1, top)[..., None, None]
    x -= x.mean(axis=(-1, -2), keepdims=True)
    F = fourier_basis(x.shape[-1])
    over_b = x @ F.T  # (..., m, a, p)
    only_a, only_b = over_b[..., 0] @ F.T, over_b.sum(axis=-2) * F[0, 0]  # (..., m, p), (..., m, p)
    waves = rearrange(F[1:], "(k i) a -> k i a", i=2)  # cosine and sine
    columns = rearrange(over_b[..., 1:], "... a (k j) -> ... k a j", j=2)
    both = waves @ columns  # (..., m, K, i, j)
    block = (both**2).sum(axis=(-1, -2))  # (..., m, K)
    for power in (only_a**2, only_b**2):
        block += power[..., 1::2] + power[..., 2::2]
    share = block.max(axis=-1) / np.where(dead, np.nan, (x**2).sum(axis=(-1, -2)))
    return np.where(dead, 0, first_largest(block) + 1), share
