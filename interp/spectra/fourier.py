"""Fourier transform of functions of the residues mod p.

    p  residues, odd and at least 3          K  frequencies, (p - 1) / 2
    ... leading axes: checkpoints, arms, neurons; every function treats them alike

A *map* is an array whose last axis is the residue: a row per neuron, for instance. Frequency k = 1..K turns k
times over the p residues, by the angle omega_k = 2 pi k / p per step.

A *dead* row does not vary over the residues (pruned away, or constant): its range is at most 1e-12 of its
largest magnitude. A dead row has no frequency. Every measure gives NaN for a dead row, and
`interp.spectra.weight_spectrum` gives it frequency 0, leaves it out of means and counts it.
"""

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy import fft

__all__ = [
    "amplitude_phase",
    "check_modulus",
    "checked_map",
    "complex_amplitude",
    "fourier_basis",
    "fourier_coefficients",
    "fourier_waves",
]

RELATIVE_ROUNDING = 1e-12
"""Relative size below which a difference counts as floating-point rounding."""
SINGLE_ROUNDING = 1e-6
"""The same for amplitudes: weights are saved in single precision, whose rounding their spectrum has too."""


def check_modulus(p: int) -> int:
    """Number of frequencies of the residues mod `p`.

    Raises if `p` is not allowed: an even `p` has a Nyquist frequency, which has no sine.

    Parameters
    ----------
    p : int
        Number of residues.

    Returns
    -------
    int
        K = (p - 1) / 2.

    Raises
    ------
    ValueError
        If `p` is even or below 3.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (frequencies of the residues; p odd there too).

    Examples
    --------
    >>> check_modulus(67)
    33
    """
    if p < 3 or p % 2 == 0:
        raise ValueError(f"p: expected an odd number from 3, got {p}")
    return (p - 1) // 2


def checked_map(W: Float[np.ndarray, "... p"], argument: str = "W") -> Float[np.ndarray, "... p"]:
    """Return a map in float64 after checking its shape and values.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        Any real array, residues on the last axis.
    argument : str
        The caller's name for `W`, used in the error.

    Returns
    -------
    Float[np.ndarray, "... p"]
        Equal to `W`, float64; not a copy if `W` was float64 already.

    Raises
    ------
    ValueError
        If there is no last axis, if p is even or below 3, or if an entry is NaN or infinite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (maps over the residues).

    Examples
    --------
    >>> checked_map(np.ones((2, 5), dtype=np.float32)).dtype
    dtype('float64')
    """
    x = np.asarray(W, dtype=np.float64)
    if x.ndim == 0:
        raise ValueError(f"{argument}: expected residues on its last axis, shape (..., p), got shape ()")
    if x.shape[-1] < 3 or x.shape[-1] % 2 == 0:
        is_turned = x.ndim > 1 and x.shape[-2] >= 3 and x.shape[-2] % 2 == 1
        hint = f"; the axis beside it has {x.shape[-2]}: transpose it?" if is_turned else ""
        raise ValueError(f"{argument}: expected p odd and at least 3 residues, got p = {x.shape[-1]}{hint}")
    if not np.isfinite(x).all():
        raise ValueError(
            f"{argument}: expected finite values, "
            f"got {np.count_nonzero(~np.isfinite(x))} NaN or infinite of {x.size}"
        )
    return x


def fourier_basis(p: int) -> Float[np.ndarray, "p p"]:
    """Orthonormal real Fourier basis, one basis vector per row.

    Row 0 is 1/sqrt(p); row 2k-1 is sqrt(2/p) cos(omega_k j), row 2k is sqrt(2/p) sin(omega_k j) at residue j.
    Use `fourier_coefficients` to transform: this matrix is for plots, projections and tests.

    Parameters
    ----------
    p : int
        Number of residues, odd and at least 3.

    Returns
    -------
    Float[np.ndarray, "p p"]
        Entry (i, j): basis vector i at residue j. Dimensionless, F F^T = 1.

    Raises
    ------
    ValueError
        If `p` is even or below 3.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (unnormalized there; orthonormal here).

    Examples
    --------
    >>> F = fourier_basis(5)
    >>> bool(np.allclose(F @ F.T, np.eye(5)))
    True
    """
    K = check_modulus(p)
    angle = 2 * np.pi * (np.outer(np.arange(1, K + 1), np.arange(p)) % p) / p  # (K, p)
    F = np.full((p, p), p**-0.5)  # (p, p)
    F[1::2] = np.sqrt(2 / p) * np.cos(angle)
    F[2::2] = np.sqrt(2 / p) * np.sin(angle)
    return F


def fourier_waves(frequencies: Int[np.ndarray, " n"], p: int) -> Float[np.ndarray, "n 2 p"]:
    """Cosine and sine of given frequencies.

    These are rows of `fourier_basis(p)`.

    Parameters
    ----------
    frequencies : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once, in any order; may be empty.
    p : int
        Number of residues, odd and at least 3.

    Returns
    -------
    Float[np.ndarray, "n 2 p"]
        Per frequency the cosine, then the sine, by residue. Dimensionless, orthonormal.

    Raises
    ------
    ValueError
        If a frequency is not a whole number in 1..K or repeated, or if p is even or below 3.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1 (a network uses a few key frequencies).

    Examples
    --------
    >>> waves = fourier_waves(np.array([3, 1]), 7)
    >>> bool((waves[0] == fourier_basis(7)[5:7]).all()), bool((waves[1] == fourier_basis(7)[1:3]).all())
    (True, True)
    """
    K = check_modulus(p)
    k = np.asarray(frequencies)
    whole = k.ndim == 1 and (k.size == 0 or np.issubdtype(k.dtype, np.integer))
    if not whole or ((k < 1) | (k > K)).any() or len(np.unique(k)) < k.size:
        raise ValueError(f"frequencies: expected different whole numbers in 1..{K}, got {k.tolist()}")
    k = k.astype(np.int64)
    return fourier_basis(p)[np.stack([2 * k - 1, 2 * k], axis=1)]


def fourier_coefficients(W: Float[np.ndarray, "... p"]) -> Float[np.ndarray, "... p"]:
    """Coefficients of each row in the Fourier basis, by FFT.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        Residues on the last axis.

    Returns
    -------
    Float[np.ndarray, "... p"]
        `W @ fourier_basis(p).T`, in the units of `W`; the sum of squares over p is that of `W`. Entry 0 is
        the constant, 2k-1 the cosine and 2k the sine of frequency k. Nothing is excluded.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1.

    Examples
    --------
    >>> np.round(fourier_coefficients(fourier_basis(5)[3]), 12) + 0.0
    array([0., 0., 0., 1., 0.])
    """
    x = checked_map(W)
    X = fft.rfft(x, axis=-1, norm="ortho")  # (..., K + 1)
    C = np.empty_like(x)  # (..., p)
    C[..., 0] = X[..., 0].real
    C[..., 1::2] = np.sqrt(2) * X[..., 1:].real
    C[..., 2::2] = -np.sqrt(2) * X[..., 1:].imag
    return C


def amplitude_phase(
    W: Float[np.ndarray, "... p"],
) -> tuple[Float[np.ndarray, "... K"], Float[np.ndarray, "... K"]]:
    """Amplitude and phase of every frequency of each row.

    W[j] = mean + sum_k amplitude_k cos(omega_k j + phase_k).

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        Residues on the last axis.

    Returns
    -------
    amplitude : Float[np.ndarray, "... K"]
        Entry k-1 is frequency k, in the units of `W`, at least 0. The constant is excluded. 0 in a dead row.
    phase : Float[np.ndarray, "... K"]
        Radians in [-pi, pi]; NaN in a dead row, meaningless where the amplitude is only rounding.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, Fourier features of the weights (alpha, phi; beta, psi).

    Examples
    --------
    >>> j = np.arange(7)
    >>> amplitude, phase = amplitude_phase(0.1 + 3 * np.cos(2 * np.pi * 2 * j / 7 + 1.5))
    >>> print(amplitude.round(6), phase[1].round(6))
    [0. 3. 0.] 1.5
    """
    z, dead = complex_amplitude(W)
    return np.abs(z), np.where(dead[..., None], np.nan, np.angle(z))


def complex_amplitude(
    W: Float[np.ndarray, "... p"],
) -> tuple[Complex[np.ndarray, "... K"], Bool[np.ndarray, "..."]]:
    """Complex amplitude A exp(i phase) of every frequency of each row.

    Also returns which rows are dead.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.

    Returns
    -------
    amplitude : Complex[np.ndarray, "... K"]
        Entry k-1 is frequency k, in the units of `W`; exactly 0 throughout a dead row.
    dead : Bool[np.ndarray, "..."]
        True for a row that does not vary over the residues.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (the convention cos(omega_k j + phase)).

    Examples
    --------
    >>> W = np.cos(2 * np.pi * 2 * np.arange(5) / 5 + 0.5)
    >>> z, dead = complex_amplitude(W)
    >>> float(abs(z[1]).round(9)), float(np.angle(z[1]).round(9)), bool(dead)
    (1.0, 0.5, False)
    """
    x = checked_map(W)
    dead = np.asarray(np.ptp(x, axis=-1) <= RELATIVE_ROUNDING * np.abs(x).max(axis=-1))
    z = fft.rfft(x, axis=-1)[..., 1:] * (2 / x.shape[-1])  # (..., K)
    return np.where(dead[..., None], 0, z), dead
