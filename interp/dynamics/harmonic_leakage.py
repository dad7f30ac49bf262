"""How much of a ReLU neuron's gradient leaves its own frequency for harmonics of it.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     r  harmonics 1, 2, ...
    ... any axes: neurons

With a square instead of the ReLU there is no leakage: frequencies are decoupled (`interp.dynamics.decoupled_flow`).
"""

import numpy as np
from jaxtyping import Float
from scipy import fft

from interp.spectra.fourier import check_modulus

__all__ = ["relu_leakage", "relu_leakage_limit"]

ROUNDING = 1e-12  # of a sum of two cosines; where it is 0 exactly, as at phase pi / 2, the ReLU's slope is 0


def relu_leakage(
    p: int, n_harmonics: int, frequency: int = 1, phase: float = 0.0, misalignment: float = 0.0
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """Gradient of a single-frequency ReLU neuron into each harmonic, relative to its own frequency.

    The neuron reads cos(omega_k j + phi) and writes cos(omega_k j + 2 phi - D); the loss is cross-entropy
    over all p^2 pairs with the softmax held uniform. All sums over residues are exact.

    Parameters
    ----------
    p : int
        Number of residues, odd and at least 3.
    n_harmonics : int
        Harmonics 1..n; harmonic r is frequency r k mod p, or p minus it. At most K, beyond which they are
        the same frequencies again.
    frequency : int
        k, coprime to p.
    phase : float
        phi, radians.
    misalignment : float
        D, radians.

    Returns
    -------
    input, output : Float[np.ndarray, "r"]
        Amplitude of the gradient of the input and of the output map at harmonic r over that at r = 1.

    Raises
    ------
    ValueError
        If p is even or below 3, `frequency` shares a factor with p, or `n_harmonics` leaves 1..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, leakage of the ReLU (the authors' blog has 1/9 and 1/25; D = 0 there).

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
    wanted = xi[pair_sum] - xi.mean()  # what one more unit of activation is worth
    into_input = 2 * ((reads > ROUNDING) * wanted).sum(axis=1)  # x stands first and, as often, second
    into_output = np.bincount(pair_sum.ravel(), weights=np.maximum(reads, 0).ravel(), minlength=p)
    harmonic = frequency * np.arange(1, n_harmonics + 1) % p
    harmonic = np.minimum(harmonic, p - harmonic)
    size_in, size_out = (np.abs(fft.rfft(g))[harmonic] for g in (into_input, into_output))
    return size_in / size_in[0], size_out / size_out[0]


def relu_leakage_limit(
    n_harmonics: int, misalignment: Float[np.ndarray, "..."] | float = 0.0
) -> tuple[Float[np.ndarray, "... r"], Float[np.ndarray, "... r"]]:
    """What `relu_leakage` tends to for large p: 3 / |r^2 - 4| at odd r and 0 at even, and 3 / (4 r^2 - 1).

    Those are of an aligned neuron. Its misalignment turns the gradient of the input map from
    |sin a| cos a to |sin a| sin a, where a = omega_k j + phi, which leaks less; the output map's does not
    depend on it.

    Parameters
    ----------
    n_harmonics : int
        Harmonics 1..n.
    misalignment : Float[np.ndarray, "..."] or float
        D of every neuron, radians.

    Returns
    -------
    input, output : Float[np.ndarray, "... r"]
        Relative to r = 1.

    Raises
    ------
    ValueError
        If `n_harmonics` is below 1.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, leakage of the ReLU (aligned; the misaligned neuron is ours).

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
