"""Progress measures of any network: restricted, excluded and fitted loss.

    p  residues, odd and at least 3     n  examples, pairs with a label     k  key frequencies
    c  classes, odd and at least 3

The logits are needed on all ordered pairs; losses are means over the examples, in nats.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.mechanism.fourier_ablation import OPERATORS, excluded_logits, restricted_logits
from interp.mechanism.logit_fit import CosineFit, cosine_fit, cross_entropy
from interp.pairs.evaluation import Network, all_pairs, checked_pairs, pair_grid

__all__ = ["ProgressLosses", "along_sums", "excluded_loss", "pair_loss", "progress_losses", "restricted_loss"]

SUM = (1, 1)
"""Signs s, t of labels a + b."""


@dataclass(frozen=True, kw_only=True)
class ProgressLosses:
    """Losses of one network, with and without its key frequencies.

    Each is a mean in nats. NaN where it cannot be taken: `train_loss` and both excluded ones without a known
    training set, `test_loss` without a test set, `sum2` and both excluded ones if no sum gives the labels.
    """

    train_loss: float
    test_loss: float
    all_loss: float
    restricted: Mapping[str, float]
    """Loss of the restricted logits over all examples, by operator (`restricted_logits`)."""
    excluded: float
    """Loss over the training examples without the sum waves of all key frequencies."""
    excluded_by_frequency: Float[np.ndarray, " k"]
    """The same without those of one key frequency."""
    fit: CosineFit
    """Fit of the logits by cosines at the key frequencies: amplitudes, R^2 and loss."""


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
    (a, b), label = _examples(len(logits), pairs, labels, signs)
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


def progress_losses(
    network: Network,
    frequencies: Int[np.ndarray, " k"],
    p: int | None = None,
    pairs: Int[np.ndarray, "n 2"] | None = None,
    labels: Int[np.ndarray, " n"] | None = None,
    signs: tuple[int, int] | None = SUM,
    is_train: Bool[np.ndarray, " n"] | None = None,
) -> ProgressLosses:
    """Progress measures of a network that concern its loss.

    They are those of `python -m analyses.progress`, for any network.

    Parameters
    ----------
    network, p, pairs, labels, signs
        As `pair_loss`. Signs of None: no sum gives the labels, which are then needed.
    frequencies : Int[np.ndarray, " k"]
        Key frequencies in 1..K, each at most once. Published curves have those of the trained network at
        every checkpoint.
    is_train : Bool[np.ndarray, " n"], optional
        True for each example that was trained on. By default it is not known.

    Returns
    -------
    ProgressLosses
        Means over the examples.

    Raises
    ------
    ValueError
        As `pair_loss`, `restricted_logits` and `cosine_fit`; or if `is_train` has not one entry per example,
        or is True for none.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5.

    Examples
    --------
    >>> distance = all_pairs(7).sum(axis=1, keepdims=True) - np.arange(7)
    >>> losses = progress_losses(5 * np.cos(2 * np.pi * 2 * distance / 7), np.array([2]))
    >>> round(losses.all_loss, 4), round(losses.restricted["sum2"], 4), float(losses.fit.r2.round(9))
    (0.2692, 0.2692, 1.0)
    """
    logits = pair_grid(network, p)
    ab, label = _examples(len(logits), pairs, labels, signs)
    rows, keys = np.stack(ab, axis=1), np.asarray(frequencies)
    train = _training_rows(is_train, len(label))

    def loss(chosen: Bool[np.ndarray, " n"] | None) -> float:
        if chosen is None or not chosen.any():
            return np.nan
        return pair_loss(logits, pairs=rows[chosen], labels=label[chosen])

    def excluded(without: Int[np.ndarray, " k"]) -> float:
        if train is None:
            return np.nan
        return excluded_loss(logits, without, pairs=rows[train], labels=label[train], signs=signs)

    return ProgressLosses(
        train_loss=loss(train),
        test_loss=loss(None if train is None else ~train),
        all_loss=loss(np.full(len(label), True)),
        restricted={
            name: restricted_loss(logits, keys, name, pairs=rows, labels=label, signs=signs)
            for name in OPERATORS
        },
        excluded=excluded(keys),
        excluded_by_frequency=np.array([excluded(keys[[i]]) for i in range(len(keys))]),
        fit=cosine_fit(logits[ab], keys, label),
    )


def _examples(
    p: int,
    pairs: Int[np.ndarray, "n 2"] | None,
    labels: Int[np.ndarray, " n"] | None,
    signs: tuple[int, int] | None,
) -> tuple[tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]], Int[np.ndarray, " n"]]:
    """Residues a and b of every example, and its label."""
    if signs is not None and (len(signs) != 2 or not set(signs) <= {1, -1}):
        raise ValueError(f"signs: expected two of 1 and -1, got {signs}")
    ab = all_pairs(p) if pairs is None else checked_pairs(pairs, p)
    if labels is None and signs is None:
        raise ValueError("labels: expected the class of every pair, as no signs give them, got none")
    label = ab @ np.array(signs) % p if labels is None else np.asarray(labels)
    if label.shape != (len(ab),):
        raise ValueError(f"labels: expected shape ({len(ab)},), one per pair, got shape {label.shape}")
    return (ab[:, 0], ab[:, 1]), label


def _training_rows(is_train: Bool[np.ndarray, " n"] | None, n: int) -> Bool[np.ndarray, " n"] | None:
    """Training examples after checking them; None if they are not known."""
    if is_train is None:
        return None
    train = np.asarray(is_train)
    if train.shape != (n,) or train.dtype != np.bool_ or not train.any():
        raise ValueError(
            f"is_train: expected True or False for each of {n} examples, True for some, "
            f"got {int(np.count_nonzero(train))} of shape {train.shape} and type {train.dtype}"
        )
    return train


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
