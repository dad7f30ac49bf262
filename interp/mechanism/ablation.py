"""Removal of activations, and what the logits lose by it.

    n  pairs, those of each part one after another     s  sources: neurons, or coefficients of waves
    p  classes                                         g  groups of sources

What writes to the logits linearly has values (s, n) and a map (s, p); replacing values changes the logits by
(replaced - values) written through the map. Arrays have the pairs last: sums over classes are faster so.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

__all__ = ["REMOVALS", "PartScores", "greedy_order", "part_scores", "permutation_within", "replaced"]

REMOVALS = ("mean", "zero", "resample")
"""Ways to remove an activation."""
LARGEST_EXPONENT = 700.0
"""Above it exp overflows float64."""
BLOCK_SIZE = 1024
"""Number of pairs that are scored together."""


class PartScores(NamedTuple):
    """Means over the pairs of each part."""

    loss: Float[np.ndarray, " parts"]
    """Cross-entropy, nats."""
    accuracy: Float[np.ndarray, " parts"]
    """Share of pairs whose true class has the largest logit; a tie counts as wrong."""
    margin: Float[np.ndarray, " parts"]
    """Logit of the true class less the largest other logit."""


def part_scores(
    logits: Float[np.ndarray, "p n"],
    labels: Int[np.ndarray, " n"],
    starts: Sequence[int],
    change: Float[np.ndarray, "p n"]
    | tuple[Float[np.ndarray, "s p"], Float[np.ndarray, "s n"]]
    | None = None,
) -> PartScores:
    """Loss, accuracy and margin of logits, by part.

    Parameters
    ----------
    logits : Float[np.ndarray, "p n"]
        A row per class, a column per pair.
    labels : Int[np.ndarray, " n"]
        True class of every pair.
    starts : Sequence[int]
        First pair of each part; a part ends where the next begins.
    change : array (p, n), or arrays (s, p) and (s, n), optional
        Added to the logits; of two arrays, what sources with these weights write if their values change so.

    Returns
    -------
    PartScores
        Float64. The loss is exact down to tiny values, as `interp.mechanism.logit_fit.cross_entropy`.

    Raises
    ------
    ValueError
        If a part is empty, or there is no label for every pair.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217 (log-softmax in float64 for accuracy at small losses).

    Examples
    --------
    >>> scores = part_scores(np.array([[2.0, 0.0], [0.0, 1.0], [0.5, 3.0]]), np.array([0, 1]), [0, 1])
    >>> scores.accuracy, scores.margin
    (array([1., 0.]), array([ 1.5, -2. ]))
    """
    n = logits.shape[1]
    if len(labels) != n or not np.all(np.diff([*starts, n]) > 0):
        raise ValueError(f"starts: expected parts of at least one of {n} labelled pairs, got {list(starts)}")
    loss, largest = np.empty(n), np.empty(n)
    buffer = np.empty((len(logits), min(n, BLOCK_SIZE)))
    for start in range(0, n, BLOCK_SIZE):  # blocks that stay in the cache
        block = slice(start, start + BLOCK_SIZE)
        x = buffer[:, : len(labels[block])]
        if isinstance(change, tuple):
            np.matmul(change[0].T, change[1][:, block], out=x)
            x += logits[:, block]
        else:
            np.add(logits[:, block], 0.0 if change is None else change[:, block], out=x)
        loss[block], largest[block] = _loss_and_largest_margin(x, labels[block])
    sizes = np.diff([*starts, n])
    return PartScores(*(np.add.reduceat(x, starts) / sizes for x in (loss, 1.0 * (largest < 0), -largest)))


def _loss_and_largest_margin(
    logits: Float[np.ndarray, "p n"], labels: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Loss of every pair, and its largest other logit less that of the true class.

    The logits are overwritten.
    """
    at = labels, np.arange(len(labels))
    margins = np.subtract(logits, logits[at], out=logits)  # (p, n)
    margins[at] = -np.inf
    largest = margins.max(axis=0)  # (n,)
    if largest.max() <= LARGEST_EXPONENT:
        return np.log1p(np.exp(margins, out=margins).sum(axis=0)), largest
    base = np.maximum(largest, 0)
    others = np.exp(margins - base).sum(axis=0)
    return base + np.log1p(np.expm1(-base) + others), largest


def permutation_within(
    starts: Sequence[int], n: int, generator: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """Permutation of the pairs that leaves each in its part.

    Parameters
    ----------
    starts : Sequence[int]
        First pair of each part.
    n : int
        Number of pairs.
    generator : np.random.Generator
        Draws the permutation.

    Returns
    -------
    Int[np.ndarray, " n"]
        Pair that takes each pair's place, never itself.

    Raises
    ------
    ValueError
        If a part has one pair: there is no other to resample from.

    References
    ----------
    .. [1] Chan et al., Causal scrubbing, 2022 (resampling ablation).

    Examples
    --------
    >>> permutation_within([0, 2], 4, np.random.default_rng(0)).tolist()
    [1, 0, 3, 2]
    """
    sizes = np.diff([*starts, n])
    if (sizes < 2).any():
        raise ValueError(f"resampling: expected at least two pairs in every part, got {sizes.tolist()}")
    order = [start + _moved(generator.permutation(size)) for start, size in zip(starts, sizes, strict=True)]
    return np.concatenate(order)


def _moved(order: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Permutation along one cycle of all entries, so that none stays in place."""
    moved = np.empty_like(order)
    moved[order] = np.roll(order, -1)
    return moved


def replaced(
    values: Float[np.ndarray, "*batch n"],
    removal: str,
    starts: Sequence[int],
    permutation: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "*batch n"]:
    """Values that stand in for removed ones.

    Parameters
    ----------
    values : Float[np.ndarray, "*batch n"]
        Activations on all pairs, pairs last.
    removal : str
        `mean`: their mean over the pairs of the part; `zero`; `resample`: those of other pairs.
    starts : Sequence[int]
        First pair of each part.
    permutation : Int[np.ndarray, " n"]
        Pair whose value each pair gets by `resample`.

    Returns
    -------
    Float[np.ndarray, "*batch n"]
        In the units of `values`, which are left as they are.

    Raises
    ------
    ValueError
        If `removal` is none of these.

    References
    ----------
    .. [1] DEFINITIONS.md, section 6, interventions.

    Examples
    --------
    >>> replaced(np.array([[1.0, 3.0, 8.0, 8.0]]), "mean", [0, 2], np.array([1, 0, 3, 2]))
    array([[2., 2., 8., 8.]])
    """
    if removal not in REMOVALS:
        raise ValueError(f"removal: expected one of {', '.join(REMOVALS)}, got {removal!r}")
    if removal == "zero":
        return np.zeros_like(values)
    if removal == "resample":
        return values[..., permutation]
    sizes = np.diff([*starts, values.shape[-1]])
    means = np.add.reduceat(values, starts, axis=-1) / sizes  # (..., parts)
    return np.repeat(means, sizes, axis=-1)


def greedy_order(
    empty: Float[np.ndarray, "p n"],
    added: Sequence[Float[np.ndarray, "p n"]],
    labels: Int[np.ndarray, " n"],
) -> list[int]:
    """Order in which groups lower the loss most, one after another.

    Parameters
    ----------
    empty : Float[np.ndarray, "p n"]
        Logits without any group.
    added : Sequence[Float[np.ndarray, "p n"]]
        What each group adds to the logits.
    labels : Int[np.ndarray, " n"]
        True class of every pair.

    Returns
    -------
    list[int]
        All groups; the first alone has the lowest mean loss of single groups, and so on. The first of equals.

    References
    ----------
    .. [1] Conmy et al., arXiv:2304.14997 (circuits found by greedy removal; here groups are added).

    Examples
    --------
    >>> one, two = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 2.0]])
    >>> greedy_order(np.zeros((2, 2)), [one, two], np.array([0, 1]))
    [1, 0]
    """
    order: list[int] = []
    logits, left = empty.copy(), list(range(len(added)))
    while left:
        losses = [part_scores(logits, labels, [0], added[group]).loss[0] for group in left]
        order.append(left.pop(int(np.argmin(losses))))
        logits += added[order[-1]]
    return order
