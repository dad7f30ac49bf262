"""Equal amplitudes: the smallest frequency, by a tolerance.

p  residues, odd and at least 3          K  frequencies, (p - 1) / 2
... leading axes: checkpoints, arms, neurons

A neuron with a single kept one-hot weight has one amplitude at all K frequencies, and rounding alone would
choose its frequency. Amplitudes within 1e-6 of the largest are equal here: weights are saved in single
precision.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.spectra.fourier import SINGLE_ROUNDING, complex_amplitude

__all__ = ["first_largest", "has_tied_frequency"]


def has_tied_frequency(W: Float[np.ndarray, "... p"]) -> Bool[np.ndarray, "..."]:
    """True for neurons whose largest amplitude several frequencies share.

    Their dominant frequency is a convention, as it is for a neuron with a single kept one-hot weight.

    Parameters
    ----------
    W : Float[np.ndarray, "... p"]
        A row per neuron, residues on the last axis.

    Returns
    -------
    Bool[np.ndarray, "..."]
        True where two amplitudes or more are the largest but for 1e-6 of it; False for a dead neuron.

    Raises
    ------
    ValueError
        If p is even or below 3, or `W` is not finite.

    References
    ----------
    .. [1] Ours: He et al., arXiv:2602.16849, take the frequency of largest amplitude and meet no ties.

    Examples
    --------
    >>> one_weight, wave = np.eye(7)[3], np.cos(2 * np.pi * 2 * np.arange(7) / 7)
    >>> has_tied_frequency(np.stack([one_weight, wave])).tolist()
    [True, False]
    """
    z, dead = complex_amplitude(W)
    return np.asarray(~dead & (_is_largest(np.abs(z)).sum(axis=-1) > 1))


def first_largest(x: Float[np.ndarray, "... n"]) -> Int[np.ndarray, "..."]:
    """Index of the first entry that is the largest but for rounding.

    Parameters
    ----------
    x : Float[np.ndarray, "... n"]
        Amplitudes or powers, at least 0.

    Returns
    -------
    Int[np.ndarray, "..."]
        The smallest index of an entry within 1e-6 of the largest of the last axis; 0 where all are 0 or NaN.

    References
    ----------
    .. [1] Ours: `np.argmax` of equal entries is decided by their rounding.

    Examples
    --------
    >>> int(first_largest(np.array([0.1, 1.0, 1.0 + 1e-15]))), int(first_largest(np.zeros(3)))
    (1, 0)
    """
    return np.asarray(_is_largest(x).argmax(axis=-1))


def _is_largest(x: Float[np.ndarray, "... n"]) -> Bool[np.ndarray, "... n"]:
    return x >= (1 - SINGLE_ROUNDING) * x.max(axis=-1, keepdims=True)
