"""How much of a neuron sits on how few Fourier components: participation ratio, Gini, entropy.

    p  residues, odd and at least 3          K  frequencies, (p - 1) / 2
    ... leading axes: checkpoints, arms, neurons

A dead neuron, one that does not vary over the residues, has NaN throughout; average with
`interp.spectra.weight_spectrum.mean_over_neurons`, which leaves it out and counts it.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import special

from interp.spectra.fourier import RELATIVE_ROUNDING, complex_amplitude, fourier_coefficients
from interp.spectra.weight_spectrum import relative_to_largest

__all__ = ["fourier_entropy", "gini_coefficient", "inverse_participation_ratio", "neuron_gini"]


def inverse_participation_ratio(
    W: Float[np.ndarray, "... p"], kind: Literal["frequency", "basis"] = "frequency"
) -> Float[np.ndarray, "..."]:
    """Inverse participation ratio: how concentrated each neuron is, 1 when on a single component.

    `frequency`: sum_k A_k^4 / (sum_k A_k^2)^2 over the K frequencies, A_k^2 = cos^2 + sin^2, the constant
    excluded; a pure cosine has 1, white noise averages 2/(K+1). `basis`: the same over all p single
    coefficients, the constant among them; a pure cosine averages 3/4 over its phase, noise 3/(p+2).

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.
    kind : {"frequency", "basis"}
        What counts as one component.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron, in [1/K, 1] or [1/p, 1]; NaN for a dead neuron.

    Raises
    ------
    ValueError
        If `kind` is unknown, p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, inverse participation ratio over frequencies.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> W = fourier_basis(7)[3] + fourier_basis(7)[4]  # cosine and sine of frequency 2
    >>> float(inverse_participation_ratio(W).round(9)), float(inverse_participation_ratio(W, "basis").round(9))
    (1.0, 0.5)
    """
    power = _components(W, kind, "kind", "frequency") ** 2
    return np.asarray((power**2).sum(axis=-1) / power.sum(axis=-1) ** 2)


def neuron_gini(
    W: Float[np.ndarray, "... p"], components: Literal["frequencies", "basis"] = "frequencies"
) -> Float[np.ndarray, "..."]:
    """Gini coefficient of each neuron's Fourier amplitudes: 0 all equal, towards 1 a single one.

    `frequencies`: of the K amplitudes sqrt(cos^2 + sin^2), the constant excluded. `basis`: of the p absolute
    coefficients, the constant among them.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.
    components : {"frequencies", "basis"}
        What it is of.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron, in [0, 1 - 1/n]; NaN for a dead neuron.

    Raises
    ------
    ValueError
        If `components` is unknown, p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (of the norms of a whole matrix there, for which there is
       `gini_coefficient` of `interp.spectra.weight_spectrum.frequency_norms`; per neuron here).

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> float(neuron_gini(fourier_basis(7)[3]).round(9))  # 1 - 1/K
    0.666666667
    """
    return gini_coefficient(_components(W, components, "components", "frequencies"))


def gini_coefficient(x: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "..."]:
    """How unequal some sizes are: 0 all equal, 1 - 1/n a single one.

    2 sum_i i x_(i) / (n sum x) - (n + 1) / n with x ascending.

    Parameters
    ----------
    x : Float[np.ndarray, "... n"]
        Sizes, at least 0: norms by frequency, for instance.

    Returns
    -------
    Float[np.ndarray, "..."]
        In [0, 1 - 1/n]; NaN where all are 0 or one is NaN.

    Raises
    ------
    ValueError
        If there is no last axis, nothing on it, or a negative size.

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
    """Entropy, in nats, of each neuron's share of amplitude by frequency; low is concentrated.

    -sum_k q_k log q_k with q_k = A_k / sum A (amplitudes, not squares) over all K frequencies, the constant
    excluded. A pure cosine has 0, K equal amplitudes log K; white noise at p = 67 averages 3.361.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis; average with `mean_over_neurons`.
    paper_compat : bool
        The number the paper's code computes: frequencies 1..K-1 only, and -sum q log softmax(q) in place of
        the entropy. Its range is log(e + K - 2) - 1 to log(K - 1): for p = 67 pure 2.518, noise 3.458.

    Returns
    -------
    Float[np.ndarray, "..."]
        One number per neuron; NaN for a dead neuron, and under `paper_compat` for one at frequency K alone.

    Raises
    ------
    ValueError
        If p is even or below 3 (5 under `paper_compat`), or `W` is not finite.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Fourier entropy (its code departs from its formula, see above).

    Examples
    --------
    >>> j = np.arange(67)
    >>> W = np.cos(2 * np.pi * 5 * j / 67)
    >>> float(fourier_entropy(W).round(6) + 0.0), float(fourier_entropy(W, paper_compat=True).round(3))
    (0.0, 2.518)
    """
    A = _components(W, "frequencies", "components", "frequencies")  # (..., K), largest is 1
    if paper_compat:
        if A.shape[-1] < 2:
            raise ValueError("W: expected at least p = 5 residues under paper_compat, got p = 3")
        A = A[..., :-1]
        A = np.where(A.max(axis=-1, keepdims=True) > RELATIVE_ROUNDING, A, np.nan)
    q = A / A.sum(axis=-1, keepdims=True)
    if paper_compat:
        return np.asarray(-(q * special.log_softmax(q, axis=-1)).sum(axis=-1))
    return np.asarray(special.entr(q).sum(axis=-1))


def _components(
    W: Float[np.ndarray, "... p"], kind: str, argument: str, by_frequency: str
) -> Float[np.ndarray, "... n"]:
    """Relative size of the K frequencies or of the p basis coefficients; NaN in dead rows."""
    z, dead = complex_amplitude(W)
    if kind == by_frequency:
        return relative_to_largest(np.abs(z))
    if kind == "basis":
        return np.where(dead[..., None], np.nan, relative_to_largest(np.abs(fourier_coefficients(W))))
    raise ValueError(f"{argument}: expected '{by_frequency}' or 'basis', got {kind!r}")
