"""Leakage of a ReLU neuron's gradient into harmonics of its frequency.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     r  harmonics 1, 2, ...
    ... any axes: neurons

With a square activation instead of the ReLU there is no leakage: frequencies are decoupled
(`interp.dynamics.decoupled_flow`).
"""

import numpy as np
from jaxtyping import Float
from scipy import fft

from interp.spectra.fourier import check_modulus

__all__ = ["relu_leakage", "relu_leakage_limit"]

ROUNDING = 1e-12
"""Rounding error of a sum of two cosines. An exact sum of 0, as at phase pi / 2, has ReLU slope 0."""


def relu_leakage(
    p: int, n_harmonics: int, frequency: int = 1, phase: float = 0.0, misalignment: float = 0.0
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """Gradient of a ReLU neuron at each harmonic of its frequency.

    The neuron reads cos(omega_k j + phi) and writes cos(omega_k j + 2 phi - D). The loss is cross-entropy
    over all p^2 pairs with the softmax held uniform. All sums over residues are exact.

    Parameters
    ----------
    p : int
        Number of residues, odd and at least 3.
    n_harmonics : int
        Harmonics 1..n_harmonics. Harmonic r is frequency r k mod p, or p - (r k mod p). At most K: further
        harmonics repeat these frequencies.
    frequency : int
        k, coprime to p.
    phase : float
        phi, radians.
    misalignment : float
        D, radians.

    Returns
    -------
    input, output : Float[np.ndarray, "r"]
        Amplitude of the gradient of the input map, and of the output map, at harmonic r over that at r = 1.

    Raises
    ------
    ValueError
        If p is even or below 3, `frequency` shares a factor with p, or `n_harmonics` is outside 1..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, leakage of the ReLU (there D = 0; the authors' blog has 1/9 and 1/25).

    Examples
    --------
    >>> into_input, into_output = relu_leakage(97, 3)
    >>> print(into_input.round(2), into_output.round(2))
    [1.  0.  0.6] [1.   0.2  0.09]
    """
    K = check_modulus(p)
    if np.gcd(frequency, p) != 1:
        raise ValueError(f"frequency: expected no factor in common with p = {p}, got {frequency}")
    if not 1 <= n_harmonics <= K:
        raise ValueError(f"n_harmonics: expected a number in 1..{K}, got {n_harmonics}")
    angle = 2 * np.pi * (frequency * np.arange(p) % p) / p  # (p,)
    theta, xi = np.cos(angle + phase), np.cos(angle + 2 * phase - misalignment)
    reads = theta[:, None] + theta  # (x, y)
    pair_sum = np.add.outer(np.arange(p), np.arange(p)) % p  # (x, y)
    loss_decrease = xi[pair_sum] - xi.mean()  # per unit of activation
    into_input = 2 * ((reads > ROUNDING) * loss_decrease).sum(axis=1)  # 2: x as first and as second input
    into_output = np.bincount(pair_sum.ravel(), weights=np.maximum(reads, 0).ravel(), minlength=p)
    harmonic = frequency * np.arange(1, n_harmonics + 1) % p
    harmonic = np.minimum(harmonic, p - harmonic)
    size_in, size_out = (np.abs(fft.rfft(g))[harmonic] for g in (into_input, into_output))
    return size_in / size_in[0], size_out / size_out[0]


def relu_leakage_limit(
    n_harmonics: int, misalignment: Float[np.ndarray, "..."] | float = 0.0
) -> tuple[Float[np.ndarray, "... r"], Float[np.ndarray, "... r"]]:
    """Limit of `relu_leakage` for large p.

    For an aligned neuron the limit is 3 / |r^2 - 4| at odd r and 0 at even r for the input map, and
    3 / (4 r^2 - 1) for the output map. A misalignment of pi / 2 changes the gradient of the input map from
    |sin a| cos a to |sin a| sin a, where a = omega_k j + phi, which leaks less. The gradient of the output
    map does not depend on the misalignment.

    Parameters
    ----------
    n_harmonics : int
        Harmonics 1..n_harmonics.
    misalignment : Float[np.ndarray, "..."] or float
        D of every neuron, radians.

    Returns
    -------
    input, output : Float[np.ndarray, "... r"]
        Amplitude of the gradient of the input map, and of the output map, at harmonic r over that at r = 1.

    Raises
    ------
    ValueError
        If `n_harmonics` is below 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, leakage of the ReLU (aligned neurons; misaligned ones are ours).

    Examples
    --------
    >>> into_input, into_output = relu_leakage_limit(3)
    >>> print(into_input, into_output.round(4))
    [1.  0.  0.6] [1.     0.2    0.0857]
    >>> print(relu_leakage_limit(3, np.pi / 2)[0].round(3))
    [1.  0.  0.2]
    """
    if n_harmonics < 1:
        raise ValueError(f"n_harmonics: expected at least 1, got {n_harmonics}")
    r = np.arange(1, n_harmonics + 1)
    aligned = np.where(r % 2 == 1, 3 / np.where(r == 2, 1, np.abs(r**2 - 4)), 0.0)  # (r,)
    D = np.asarray(misalignment)[..., None]
    turned = np.hypot(np.cos(D), 2 * np.sin(D) / r) / np.hypot(np.cos(D), 2 * np.sin(D))  # (..., r)
    return aligned * turned, np.broadcast_to(3 / (4 * r**2 - 1), turned.shape)
