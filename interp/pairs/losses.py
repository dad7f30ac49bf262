"""Loss of any network: whole, restricted to frequencies, without them.

    p  residues, odd and at least 3     n  examples, pairs with a label     k  key frequencies
    c  classes, odd and at least 3

The logits are needed on all ordered pairs; losses are means over the examples, in nats.
"""

import numpy as np
from jaxtyping import Float, Int

from interp.mechanism.fourier_ablation import excluded_logits, restricted_logits
from interp.mechanism.logit_fit import cross_entropy
from interp.pairs.evaluation import Network, all_pairs, checked_pairs, pair_grid

__all__ = ["SUM", "along_sums", "checked_examples", "excluded_loss", "pair_loss", "restricted_loss"]

SUM = (1, 1)
"""Signs s, t of labels a + b."""


def pair_loss(
    network: Network,
    p: int | None = None,
    pairs: Int[np.ndarray, "n 2"] | None = None,
    labels: Int[np.ndarray, " n"] | None = None,
    signs: tuple[int, int] | None = SUM,
) -> float:
    """Mean cross-entropy of a network over examples.

    Parameters
    ----------
    network : Network
        Logits, as `interp.pairs.evaluation.pair_grid` takes them.
    p : int, optional
        Number of residues; needed with a function.
    pairs : Int[np.ndarray, "n 2"], optional
        Pairs that the mean is over. By default all ordered pairs.
    labels : Int[np.ndarray, " n"], optional
        True class of each. By default s a + t b mod p.
    signs : tuple of int, optional
        s and t, each 1 or -1: by default 1 and 1, addition; (1, -1) is a - b.

    Returns
    -------
    float
        Nats.

    Raises
    ------
    ValueError
        As `pair_grid`; if a pair or a label is not there, signs are no signs, or neither labels nor signs
        are given.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217 (log-softmax in float64).

    Examples
    --------
    >>> round(pair_loss(np.zeros((5, 5, 5))), 4)  # log 5
    1.6094
    """
    logits = pair_grid(network, p)
    (a, b), label = checked_examples(len(logits), pairs, labels, signs)
    return float(cross_entropy(logits[a, b], label).mean())


def restricted_loss(
    network: Network,
    frequencies: Int[np.ndarray, " k"],
    operator: str = "sum2",
    p: int | None = None,
    pairs: Int[np.ndarray, "n 2"] | None = None,
    labels: Int[np.ndarray, " n"] | None = None,
    signs: tuple[int, int] | None = SUM,
) -> float:
    """Loss of the logits restricted to the key frequencies.

    Parameters
    ----------
    network, p, pairs, labels, signs
        As `pair_loss`. The published loss is over all pairs.
    frequencies : Int[np.ndarray, " k"]
        Key frequencies in 1..K, each at most once.
    operator : str
        A key of `interp.mechanism.fourier_ablation.OPERATORS`. `sum2` follows the signs: of labels a - b it
        keeps the waves of a - b.

    Returns
    -------
    float
        Nats. NaN for `sum2` without signs.

    Raises
    ------
    ValueError
        As `pair_loss` and `restricted_logits`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (restricted loss).

    Examples
    --------
    >>> distance = all_pairs(7).sum(axis=1, keepdims=True) - np.arange(7)
    >>> logits = 5 * np.cos(2 * np.pi * 2 * distance / 7)
    >>> round(restricted_loss(logits, np.array([2])), 4), round(restricted_loss(logits, np.array([3])), 4)
    (0.2692, 1.9459)
    """
    logits = pair_grid(network, p)
    if operator != "sum2":  # the blocks treat a and -a alike
        return pair_loss(
            restricted_logits(logits, frequencies, operator), pairs=pairs, labels=labels, signs=signs
        )
    if signs is None:
        return np.nan
    sums = restricted_logits(along_sums(logits, signs), frequencies, operator)
    return pair_loss(along_sums(sums, signs), pairs=pairs, labels=labels, signs=signs)


def excluded_loss(
    network: Network,
    frequencies: Int[np.ndarray, " k"],
    p: int | None = None,
    pairs: Int[np.ndarray, "n 2"] | None = None,
    labels: Int[np.ndarray, " n"] | None = None,
    signs: tuple[int, int] | None = SUM,
) -> float:
    """Loss of the logits without the sum waves of key frequencies.

    Parameters
    ----------
    network, p, pairs, labels, signs
        As `pair_loss`. The published loss is over the training pairs: pass them as `pairs`.
    frequencies : Int[np.ndarray, " k"]
        All key frequencies, or one; in 1..K, each at most once. With signs of a difference, the waves are
        those of the difference.

    Returns
    -------
    float
        Nats. NaN without signs.

    Raises
    ------
    ValueError
        As `pair_loss` and `excluded_logits`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (excluded loss).

    Examples
    --------
    >>> distance = all_pairs(7).sum(axis=1, keepdims=True) - np.arange(7)
    >>> round(excluded_loss(5 * np.cos(2 * np.pi * 2 * distance / 7), np.array([2])), 4)
    1.9459
    """
    logits = pair_grid(network, p)
    if signs is None:
        return np.nan
    left = excluded_logits(along_sums(logits, signs), frequencies)
    return pair_loss(along_sums(left, signs), pairs=pairs, labels=labels, signs=signs)


def checked_examples(
    p: int,
    pairs: Int[np.ndarray, "n 2"] | None,
    labels: Int[np.ndarray, " n"] | None,
    signs: tuple[int, int] | None,
) -> tuple[tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]], Int[np.ndarray, " n"]]:
    """Return residues and label of every example after checking them.

    Parameters
    ----------
    p : int
        Number of residues.
    pairs, labels, signs
        As `pair_loss`.

    Returns
    -------
    residues : tuple of Int[np.ndarray, " n"]
        a and b of every example.
    labels : Int[np.ndarray, " n"]
        Its class.

    Raises
    ------
    ValueError
        As `pair_loss`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 3 (pairs mod p and their sums).

    Examples
    --------
    >>> (a, b), labels = checked_examples(5, np.array([[4, 3]]), None, (1, -1))
    >>> a.tolist(), b.tolist(), labels.tolist()
    ([4], [3], [1])
    """
    if signs is not None and (len(signs) != 2 or not set(signs) <= {1, -1}):
        raise ValueError(f"signs: expected two of 1 and -1, got {signs}")
    ab = all_pairs(p) if pairs is None else checked_pairs(pairs, p)
    if labels is None and signs is None:
        raise ValueError("labels: expected the class of every pair, as no signs give them, got none")
    label = ab @ np.array(signs) % p if labels is None else np.asarray(labels)
    if label.shape != (len(ab),):
        raise ValueError(f"labels: expected shape ({len(ab)},), one per pair, got shape {label.shape}")
    return (ab[:, 0], ab[:, 1]), label


def along_sums(grid: Float[np.ndarray, "p p m"], signs: tuple[int, int]) -> Float[np.ndarray, "p p m"]:
    """Return a grid over (s a, t b), whose labels are a sum; twice is the grid itself.

    Parameters
    ----------
    grid : Float[np.ndarray, "p p m"]
        m functions at every ordered pair of inputs (a, b).
    signs : tuple of int
        s and t, each 1 or -1, of labels s a + t b mod p.

    Returns
    -------
    Float[np.ndarray, "p p m"]
        Entry (a, b) is that of `grid` at (s a, t b) mod p.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (sum waves; here those of a difference too).

    Examples
    --------
    >>> along_sums(np.arange(9.0).reshape(3, 3, 1), (1, -1))[0, :, 0].tolist()
    [0.0, 2.0, 1.0]
    """
    if signs == SUM:
        return grid
    a, b = (sign * np.arange(len(grid)) % len(grid) for sign in signs)
    return grid[a[:, None], b]
