"""Random masks, used as controls for a ticket's mask.

They keep as many weights as the ticket, at random positions.

Shape letters: r, c = rows (source units) and columns (target units) of one layer; "..." = any shape.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from interp.masks.topk import check_layers, keep_top_globally


def random_mask(
    shapes: Mapping[str, tuple[int, ...]], density: float, generator: np.random.Generator
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Mask with uniformly random positions over all layers together.

    The total number of kept weights is exact. The density of a single layer is only close to `density`.

    Parameters
    ----------
    shapes : Mapping[str, tuple[int, ...]]
        Shape of every prunable weight by name.
    density : float
        Share kept, in (0, 1].
    generator : np.random.Generator
        Source of the U(0, 1) scores; one draw per weight entry, in the order of `shapes`.

    Returns
    -------
    dict[str, Bool[np.ndarray, "..."]]
        True = kept.

    Raises
    ------
    ValueError
        If `shapes` is empty or `density` is outside (0, 1].

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (random tickets as a control).

    Examples
    --------
    >>> mask = random_mask({"W_E": (3, 4), "W_U": (4, 2)}, 0.5, np.random.default_rng(0))
    >>> sum(int(layer.sum()) for layer in mask.values())
    10
    """
    return keep_top_globally({name: generator.random(shape) for name, shape in shapes.items()}, density)


def shuffled_mask(
    mask: Mapping[str, Bool[np.ndarray, "..."]], generator: np.random.Generator
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Mask with the kept entries of every layer moved at random.

    Every layer keeps its number of entries.

    Parameters
    ----------
    mask : Mapping[str, Bool[np.ndarray, "..."]]
        The mask to permute within each layer; it is not changed.
    generator : np.random.Generator
        Source of the permutations, one per layer in the order of `mask`.

    Returns
    -------
    dict[str, Bool[np.ndarray, "..."]]
        True = kept.

    Raises
    ------
    ValueError
        If `mask` is empty.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (random controls; keeping the layers' densities is
       stricter).

    Examples
    --------
    >>> mask = {"W_E": np.array([[True, True, False], [False, False, False]])}
    >>> int(shuffled_mask(mask, np.random.default_rng(0))["W_E"].sum())
    2
    """
    check_layers(mask)
    return {name: generator.permutation(layer.ravel()).reshape(layer.shape) for name, layer in mask.items()}


def rewired_mask(
    mask: Bool[np.ndarray, "r c"], generator: np.random.Generator, rounds: int = 10
) -> Bool[np.ndarray, "r c"]:
    """Random mask of one layer with every unit's degree unchanged.

    The degree of a unit is its number of kept inputs or outputs. The method is curveball trades: two units
    pool the partners that only one of them has and split the pool at random, each keeping its number of
    partners. One round pairs all units of the smaller side at random and trades in every pair (one unit is
    left out if their number is odd). The chain is symmetric, so its limit is uniform over all masks with
    these degrees. Ten rounds are the 5 trades per unit of [1]_.

    Parameters
    ----------
    mask : Bool[np.ndarray, "r c"]
        True = kept; it is not changed.
    generator : np.random.Generator
        Source of the pairings and of the trades.
    rounds : int
        Number of rounds, 0 or more; 0 returns a copy.

    Returns
    -------
    Bool[np.ndarray, "r c"]
        Its row and column sums equal those of `mask`.

    Raises
    ------
    ValueError
        If `rounds` is negative.

    References
    ----------
    .. [1] Strona et al., Nature Communications 5:4114 (2014) (curveball).
    .. [2] Carstens, Berger and Strona, arXiv:1609.05137 (global curveball: all pairs of a round at once).

    Examples
    --------
    >>> mask = np.eye(6, 40, dtype=bool)
    >>> rewired = rewired_mask(mask, np.random.default_rng(0))
    >>> bool((rewired.sum(axis=0) == mask.sum(axis=0)).all()), bool((rewired == mask).all())
    (True, False)
    """
    if rounds < 0:
        raise ValueError(f"rounds: expected 0 or more, got {rounds}")
    if mask.shape[0] > mask.shape[1]:
        return rewired_mask(mask.T, generator, rounds).T
    units = mask.copy()
    for _ in range(rounds):
        order = generator.permutation(units.shape[0])
        first, second = order[: order.size // 2], order[order.size // 2 : order.size // 2 * 2]
        units[first], units[second] = _trade(units[first], units[second], generator)
    return units


def _trade(
    a: Bool[np.ndarray, "r c"], b: Bool[np.ndarray, "r c"], generator: np.random.Generator
) -> tuple[Bool[np.ndarray, "r c"], Bool[np.ndarray, "r c"]]:
    """Split the columns in only one of `a` and `b` at random.

    Row by row; every row keeps its number of columns.
    """
    single = a ^ b  # (r, c)
    n_columns = a.shape[1]
    # The column in the low bits makes the keys of a row distinct, so the cut takes exactly `n_for_a` columns.
    keys = generator.integers(0, 2**62 // n_columns, size=a.shape, dtype=np.uint64) * np.uint64(n_columns)
    keys += np.arange(n_columns, dtype=np.uint64)
    keys[~single] = np.iinfo(np.uint64).max
    n_for_a = np.count_nonzero(a & single, axis=1)  # (r,)
    ranked = np.sort(keys, axis=1)
    last = np.minimum(n_for_a, n_columns - 1)
    cut = np.where(n_for_a < n_columns, ranked[np.arange(len(a)), last], np.iinfo(np.uint64).max)
    to_a = single & (keys < cut[:, None])
    return a & b | to_a, a & b | single & ~to_a
