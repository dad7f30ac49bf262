"""Activation patching: logits after activations of one pair are put into the run of another.

    n  patched pairs of examples     p  classes     ... leading axes: sites, checkpoints

The *clean* run is that of an example, the *corrupted* run that of another one with another answer. The
patched run is the corrupted one with some of the clean run's activations. Everything is measured by the
*logit difference*: the logit of the clean answer less that of the corrupted answer.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from interp.statistics.time_ratios import student_interval

__all__ = ["RecoveredShare", "logit_difference", "recovered_share", "sampled_pairs"]


class RecoveredShare(NamedTuple):
    """Share of the logit difference that patched activations bring back, with its interval."""

    share: Float[np.ndarray, "*batch"]
    """0: as the corrupted run; 1: as the clean run."""
    low: Float[np.ndarray, "*batch"]
    """Lower end of the 95 % interval."""
    high: Float[np.ndarray, "*batch"]
    """Upper end of this interval."""


def sampled_pairs(
    labels: Int[np.ndarray, " examples"], n: int, generator: np.random.Generator
) -> Int[np.ndarray, "n 2"]:
    """Draw pairs of examples with different labels.

    Parameters
    ----------
    labels : Int[np.ndarray, " examples"]
        Class of every example.
    n : int
        Number of pairs, at least 2.
    generator : np.random.Generator
        Draws them: both examples uniformly, again if their labels are equal. Pairs may repeat.

    Returns
    -------
    Int[np.ndarray, "n 2"]
        Index of the clean and of the corrupted example.

    Raises
    ------
    ValueError
        If `n` is below 2, which gives no interval, or all labels are equal.

    References
    ----------
    .. [1] DEFINITIONS.md, section 6, interventions.

    Examples
    --------
    >>> pairs = sampled_pairs(np.array([3, 3, 5]), 4, np.random.default_rng(0))
    >>> bool(((pairs == 2).sum(axis=1) == 1).all())
    True
    """
    if n < 2:
        raise ValueError(f"pairs: expected at least 2, which an interval needs, got {n}")
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"pairs: expected examples with different answers, got {len(labels)} with one answer"
        )
    pairs = generator.integers(len(labels), size=(n, 2))
    while (equal := labels[pairs[:, 0]] == labels[pairs[:, 1]]).any():
        pairs[equal] = generator.integers(len(labels), size=(int(equal.sum()), 2))
    return pairs


def logit_difference(
    logits: Float[np.ndarray, "... n p"], right: Int[np.ndarray, " n"], other: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "... n"]:
    """Logit of one answer less that of another.

    Parameters
    ----------
    logits : Float[np.ndarray, "... n p"]
        Of n runs.
    right, other : Int[np.ndarray, " n"]
        Class of the clean, and of the corrupted example's answer.

    Returns
    -------
    Float[np.ndarray, "... n"]
        Positive where the first answer is preferred, in units of the logits.

    References
    ----------
    .. [1] Wang et al., arXiv:2211.00593, Sec. 2.2 (logit difference of two answers).

    Examples
    --------
    >>> logit_difference(np.array([[1.0, 5.0, 3.0]]), np.array([1]), np.array([2])).item()
    2.0
    """
    at = np.arange(len(right))
    return logits[..., at, right] - logits[..., at, other]


def recovered_share(
    patched: Float[np.ndarray, "*batch n"],
    corrupted: Float[np.ndarray, " n"],
    clean: Float[np.ndarray, " n"],
) -> RecoveredShare:
    """Share of the logit difference that patched activations bring back.

    It is the ratio of two means over the pairs, (patched − corrupted) / (clean − corrupted), not the mean of
    their ratios, which a pair that the network hardly tells apart would rule. Shares of sites that add to the
    logits linearly therefore sum to that of all of them together.

    Parameters
    ----------
    patched : Float[np.ndarray, "*batch n"]
        Logit differences of patched runs.
    corrupted, clean : Float[np.ndarray, " n"]
        Logit differences of the runs without patches, n at least 2.

    Returns
    -------
    RecoveredShare
        Dimensionless. The interval is Student's at 95 % of the linearized ratio (delta method), over pairs
        taken as independent. NaN where the clean run does not prefer its answer: the 95 % interval of the
        mean of clean − corrupted is not above 0.

    Raises
    ------
    ValueError
        If there are fewer than two pairs, or their numbers differ.

    References
    ----------
    .. [1] Wang et al., arXiv:2211.00593; Heimersheim & Nanda, arXiv:2404.15255 (normalized logit difference).
    .. [2] Cochran, Sampling Techniques, 1977, Sec. 2.11 (variance of a ratio of means).

    Examples
    --------
    >>> clean, corrupted = np.array([2.0, 4.0, 3.0]), np.array([-2.0, -4.0, -3.0])
    >>> [float(x) for x in recovered_share(corrupted / 2, corrupted, clean)]
    [0.25, 0.25, 0.25]
    """
    n = np.shape(clean)[-1]
    if n < 2 or np.shape(corrupted) != (n,) or np.shape(patched)[-1] != n:
        raise ValueError(
            "expected logit differences of the same pairs, two or more, got "
            f"{np.shape(patched)[-1]} patched, {np.shape(corrupted)[-1]} corrupted and {n} clean"
        )
    whole, part = clean - corrupted, patched - corrupted
    mean = whole.mean() if student_interval(whole)[0] > 0 else np.nan
    share = part.mean(axis=-1) / mean
    residual = (part - share[..., None] * whole) / mean
    return RecoveredShare(share, *(share + end for end in student_interval(residual)))
