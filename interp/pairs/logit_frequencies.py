"""Key frequencies of a network of which only the logits are known.

p  residues and classes, odd and at least 3     n  pairs     K  frequencies, (p - 1) / 2
"""

import numpy as np
from jaxtyping import Int

from interp.mechanism.logit_fit import cosine_fit
from interp.pairs.evaluation import Network, pair_grid
from interp.spectra.fourier import RELATIVE_ROUNDING

__all__ = ["fitted_key_frequencies"]


def fitted_key_frequencies(
    network: Network,
    p: int | None = None,
    labels: Int[np.ndarray, "p p"] | None = None,
    threshold: float = 0.5,
) -> Int[np.ndarray, " k"]:
    """Key frequencies by their amplitude in the fit of the logits.

    The logits are fitted by sum_k alpha_k cos(omega_k (label - c)) with all K frequencies. A frequency counts
    if alpha_k is at least `threshold` times the largest. Needs no weights and no activations; the rules of
    `interp.mechanism.key_frequency_rules.key_frequencies` look inside the network.

    Parameters
    ----------
    network : Network
        Logits, as `interp.pairs.evaluation.pair_grid` takes them; p classes.
    p : int, optional
        Number of residues; needed with a function.
    labels : Int[np.ndarray, "p p"], optional
        True class of every pair (a, b). By default a + b mod p.
    threshold : float
        Fraction of the largest amplitude, in (0, 1].

    Returns
    -------
    Int[np.ndarray, " k"]
        Ascending, each in 1..K; empty if no amplitude is above 0. A frequency whose cosine lowers the true
        class is never one.

    Raises
    ------
    ValueError
        As `pair_grid` and `cosine_fit`, or if `threshold` is outside (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.2 (fit of the logits at given key frequencies; here it
       chooses them).

    Examples
    --------
    >>> def clock(pairs):
    ...     distance = pairs.sum(axis=1, keepdims=True) - np.arange(7)
    ...     return 5 * np.cos(2 * np.pi * 2 * distance / 7) + np.cos(2 * np.pi * 3 * distance / 7)
    >>> fitted_key_frequencies(clock, p=7).tolist()
    [2]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: expected a number in (0, 1], got {threshold}")
    logits = pair_grid(network, p)
    amplitude = cosine_fit(logits, np.arange(1, len(logits) // 2 + 1), labels).amplitude
    is_there = amplitude > RELATIVE_ROUNDING * np.abs(logits).max()
    return np.flatnonzero((amplitude >= threshold * amplitude.max()) & is_there) + 1
