"""Direct attribution: what each source adds to chosen logits.

    n  pairs     m  neurons     p  classes, as many as residues     K  frequencies, (p - 1) / 2

The last map of a network is linear, so a logit is the sum of what the neurons add to it, and of what reaches
it around them. Nothing is approximated.
"""

import numpy as np
from jaxtyping import Float, Int

from interp.spectra.fourier import check_modulus
from interp.spectra.tied_frequencies import first_largest

__all__ = ["class_attribution", "ghost_classes", "nearest_shift"]


def class_attribution(
    hidden: Float[np.ndarray, "n m"], output_map: Float[np.ndarray, "m p"], classes: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "n m"]:
    """Return what every neuron adds to one logit of every pair.

    Parameters
    ----------
    hidden : Float[np.ndarray, "n m"]
        Activation of each neuron on each pair.
    output_map : Float[np.ndarray, "m p"]
        Entry (i, c) is what a unit activation of neuron i adds to class c.
    classes : Int[np.ndarray, " n"]
        Class whose logit it is, of every pair.

    Returns
    -------
    Float[np.ndarray, "n m"]
        In the units of the logits. The sum over neurons is the logit, less what does not pass the neurons.

    References
    ----------
    .. [1] Wang et al., arXiv:2211.00593 (direct effect on a logit); nostalgebraist, the logit lens, 2020.

    Examples
    --------
    >>> hidden, output_map = np.array([[1.0, 2.0]]), np.array([[3.0, 0.0], [5.0, 1.0]])
    >>> class_attribution(hidden, output_map, np.array([0]))
    array([[ 3., 10.]])
    """
    return hidden * output_map[:, classes].T


def ghost_classes(
    pairs: Int[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"], p: int
) -> Int[np.ndarray, "n 2"]:
    """Ghosts of every pair: the answers to (a, a) and to (b, b).

    Neurons whose activation has an even part raise these wrong answers too, at every frequency alike.

    Parameters
    ----------
    pairs : Int[np.ndarray, "n 2"]
        Inputs a and b, all pairs of the task: the answers to (a, a) are read from it.
    labels : Int[np.ndarray, " n"]
        Class of every pair.
    p : int
        Number of residues.

    Returns
    -------
    Int[np.ndarray, "n 2"]
        Two classes per pair; −1 where a ghost is the right answer, or the task has no pair (a, a).

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, flawed indicator; `interp.mechanism.flawed_indicator`.

    Examples
    --------
    >>> pairs = np.array([[0, 0], [0, 1], [1, 1]])
    >>> ghost_classes(pairs, pairs.sum(axis=1) % 3, 3).tolist()
    [[-1, -1], [0, 2], [-1, -1]]
    """
    doubled = np.full(p, -1)
    same = pairs[:, 0] == pairs[:, 1]
    doubled[pairs[same, 0]] = labels[same]
    ghosts = doubled[pairs]
    return np.where(ghosts == labels[:, None], -1, ghosts)


def nearest_shift(p: int) -> Int[np.ndarray, " K"]:
    """Distance between two classes that a frequency tells apart least.

    A wave of frequency k that is largest at the right answer c is next to largest at its *neighbors* c ± r,
    with r the distance at which cos(omega_k r) is largest: k r is ±1 mod p if p is prime. With a common
    divisor of k and p it does not tell them apart at all.

    Parameters
    ----------
    p : int
        Number of residues, odd and at least 3.

    Returns
    -------
    Int[np.ndarray, " K"]
        r in 1..K, of every frequency 1..K; the smallest of equals.

    Raises
    ------
    ValueError
        If `p` is even or below 3.

    References
    ----------
    .. [1] Ours; the vote of several frequencies is needed because one alone tells neighbors apart by
       1 − cos(2π/p) of its amplitude only.

    Examples
    --------
    >>> nearest_shift(7).tolist()
    [1, 3, 2]
    """
    r = np.arange(1, check_modulus(p) + 1)
    return r[first_largest(np.cos(2 * np.pi * (np.outer(r, r) % p) / p))]
