"""Concentration of each neuron on few Fourier components.

    p  residues, odd and at least 3          K  frequencies, (p - 1) / 2
    ... leading axes: checkpoints, arms, neurons

Three measures: inverse participation ratio, Gini coefficient, entropy. Their `components` are either the K
frequencies, cosine and sine together and the constant excluded, or the p coefficients in the Fourier basis,
the constant included.

A dead neuron (it does not vary over the residues) has NaN in all three. Average with
`interp.spectra.weight_spectrum.mean_over_neurons`, which leaves dead neurons out and counts them.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import special

from interp.spectra.fourier import RELATIVE_ROUNDING, complex_amplitude, fourier_coefficients
from interp.spectra.weight_spectrum import relative_to_largest

__all__ = ["fourier_entropy", "gini_coefficient", "inverse_participation_ratio", "neuron_gini"]


def inverse_participation_ratio(
    W: Float[np.ndarray, "... p"], components: Literal["frequencies", "basis"] = "frequencies"
) -> Float[np.ndarray, "..."]:
    """Inverse participation ratio (IPR) of each neuron's spectrum.

    `frequencies`: sum_k A_k^4 / (sum_k A_k^2)^2 over the K frequencies, A_k^2 = cos^2 + sin^2, the constant
    excluded. A pure cosine has 1, white noise averages 2/(K+1). `basis`: sum_i c_i^4 / (sum_i c_i^2)^2 over
    all p coefficients, the constant included. A pure cosine averages 3/4 over its phase, white noise 3/(p+2).

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.
    components : {"frequencies", "basis"}
        The K frequencies or the p basis coefficients.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron, in [1/K, 1] or [1/p, 1]: 1 on a single component. NaN for a dead neuron.

    Raises
    ------
    ValueError
        If `components` is unknown, p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, inverse participation ratio over frequencies.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> W = fourier_basis(7)[3] + fourier_basis(7)[4]  # cosine and sine of frequency 2
    >>> [float(inverse_participation_ratio(W, name).round(9)) for name in ("frequencies", "basis")]
    [1.0, 0.5]
    """
    power = _component_sizes(W, components) ** 2
    return np.asarray((power**2).sum(axis=-1) / power.sum(axis=-1) ** 2)


def neuron_gini(
    W: Float[np.ndarray, "... p"], components: Literal["frequencies", "basis"] = "frequencies"
) -> Float[np.ndarray, "..."]:
    """Gini coefficient of each neuron's Fourier amplitudes.

    `frequencies`: over the K amplitudes sqrt(cos^2 + sin^2), the constant excluded. `basis`: over the p
    absolute coefficients, the constant included.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.
    components : {"frequencies", "basis"}
        The K frequencies or the p basis coefficients.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron, in [0, 1 - 1/n] for n components: 0 if all are equal, 1 - 1/n for a single
        one. NaN for a dead neuron.

    Raises
    ------
    ValueError
        If `components` is unknown, p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5. There the coefficient is over the norms of a whole matrix:
       `gini_coefficient(frequency_norms(W))`. Here it is per neuron.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> float(neuron_gini(fourier_basis(7)[3]).round(9))  # 1 - 1/K
    0.666666667
    """
    return gini_coefficient(_component_sizes(W, components))


def gini_coefficient(x: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "..."]:
    """Gini coefficient of sizes: 0 if equal, 1 - 1/n for a single one.

    2 sum_i i x_(i) / (n sum x) - (n + 1) / n with x in ascending order.

    Parameters
    ----------
    x : Float[np.ndarray, "... n"]
        Sizes, at least 0, such as norms by frequency.

    Returns
    -------
    Float[np.ndarray, "..."]
        In [0, 1 - 1/n]; NaN where all sizes are 0 or one is NaN.

    Raises
    ------
    ValueError
        If there is no last axis, the last axis is empty, or a size is negative.

    References
    ----------
    .. [1] Hurley and Rickard, arXiv:0811.4706, Sec. II (the Gini index as a measure of sparsity).

    Examples
    --------
    >>> print(gini_coefficient(np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 3.0, 0.0, 0.0]])))
    [0.   0.75]
    """
    sizes = np.sort(np.asarray(x, dtype=np.float64), axis=-1)
    if sizes.ndim == 0 or sizes.shape[-1] == 0 or (sizes < 0).any():
        received = f"shape {sizes.shape}" if sizes.ndim == 0 or sizes.size == 0 else f"{sizes.min()}"
        raise ValueError(f"x: expected sizes from 0 on its last axis, got {received}")
    sizes = relative_to_largest(sizes)
    n = sizes.shape[-1]
    return np.asarray(2 * (sizes @ np.arange(1.0, n + 1)) / (n * sizes.sum(axis=-1)) - (n + 1) / n)


def fourier_entropy(W: Float[np.ndarray, "... p"], paper_compat: bool = False) -> Float[np.ndarray, "..."]:
    """Entropy of each neuron's amplitude over frequencies, in nats.

    -sum_k q_k log q_k with q_k = A_k / sum A (amplitudes, not squares) over all K frequencies, the constant
    excluded. Low means concentrated: a pure cosine has 0, K equal amplitudes have log K, and white noise at
    p = 67 averages 3.361.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis; average with `mean_over_neurons`.
    paper_compat : bool
        Compute the number of the paper's code: frequencies 1..K-1 only, and -sum q log softmax(q) in place of
        the entropy. The range is log(e + K - 2) - 1 to log(K - 1); at p = 67 a pure cosine has 2.518 and
        white noise 3.458.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron. NaN for a dead neuron, and under `paper_compat` for a neuron that has only
        frequency K.

    Raises
    ------
    ValueError
        If p is even or below 3 (5 under `paper_compat`), or `W` is not finite.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Fourier entropy (its code differs from its formula: see
       `paper_compat`).

    Examples
    --------
    >>> j = np.arange(67)
    >>> W = np.cos(2 * np.pi * 5 * j / 67)
    >>> float(fourier_entropy(W).round(6) + 0.0), float(fourier_entropy(W, paper_compat=True).round(3))
    (0.0, 2.518)
    """
    A = _component_sizes(W, "frequencies")  # (..., K), largest is 1
    if paper_compat:
        if A.shape[-1] < 2:
            raise ValueError("W: expected at least p = 5 residues under paper_compat, got p = 3")
        A = A[..., :-1]
        A = np.where(A.max(axis=-1, keepdims=True) > RELATIVE_ROUNDING, A, np.nan)
    q = A / A.sum(axis=-1, keepdims=True)
    if paper_compat:
        return np.asarray(-(q * special.log_softmax(q, axis=-1)).sum(axis=-1))
    return np.asarray(special.entr(q).sum(axis=-1))


def _component_sizes(W: Float[np.ndarray, "... p"], components: str) -> Float[np.ndarray, "... n"]:
    """Sizes of the components relative to the largest; NaN in dead rows."""
    z, dead = complex_amplitude(W)
    if components == "frequencies":
        return relative_to_largest(np.abs(z))
    if components == "basis":
        return np.where(dead[..., None], np.nan, relative_to_largest(np.abs(fourier_coefficients(W))))
    raise ValueError(f"components: expected 'frequencies' or 'basis', got {components!r}")
