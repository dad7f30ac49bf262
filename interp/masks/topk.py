"""Masks that keep the weights of largest score.

A mask is a bool array of a weight's shape, True = kept. A network's mask maps each weight's name to its mask.
Density is the share kept, sparsity the share pruned.

Shape letters: n = entries of one flattened score vector; "..." = any shape of a weight.
"""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

GLOBAL = "global"
"""Key of the value over all layers. No layer may have this name."""


def keep_count(n: int, density: float) -> int:
    """Number of entries that a mask of given density keeps.

    This is `n - floor((1 - density) * n)`, the smallest integer not below `density * n`. The product has a
    tolerance of `1e-12 * n`, so that a density with a floating-point error (`1 - 0.6`) counts as the intended
    decimal.

    Parameters
    ----------
    n : int
        Number of entries, 0 or more.
    density : float
        Share kept, in (0, 1].

    Returns
    -------
    int
        At least 1 and at most `n`, or 0 for `n = 0`.

    Raises
    ------
    ValueError
        If `density` is outside (0, 1] or `n` is negative.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3 (k % of the weights of smallest magnitude are pruned).

    Examples
    --------
    >>> keep_count(115_000, 0.4), keep_count(10, 1 - 0.7), keep_count(10, 0.31)
    (46000, 3, 4)
    """
    if not 0.0 < density <= 1.0:
        raise ValueError(f"density: expected a number in (0, 1], got {density!r}")
    if n < 0:
        raise ValueError(f"n: expected 0 or more entries, got {n}")
    return min(n, max(1, math.ceil(density * n - 1e-12 * n)))


def keep_top(scores: Float[np.ndarray, " n"], density: float) -> Bool[np.ndarray, " n"]:
    """Mask that keeps the entries with the largest scores.

    Exactly `keep_count(n, density)` entries are kept. On equal scores the lower index is kept first, whatever
    the sorting algorithm.

    Parameters
    ----------
    scores : Float[np.ndarray, "n"]
        One score per entry, any unit. `-inf` marks an entry that was pruned before and stays pruned.
    density : float
        Share kept, in (0, 1], of all `n` entries, the `-inf` ones included.

    Returns
    -------
    Bool[np.ndarray, "n"]
        True = kept.

    Raises
    ------
    ValueError
        If `density` is outside (0, 1], a score is NaN, or fewer scores are above `-inf` than the number to
        keep (pruned entries would be revived).

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (pruning by score; exact counts are ours).

    Examples
    --------
    >>> keep_top(np.array([2.0, 1.0, 2.0, 2.0, -np.inf]), 0.4).tolist()
    [True, False, True, False, False]
    """
    count = keep_count(scores.size, density)
    if np.isnan(scores).any():
        raise ValueError(f"scores: expected numbers, got {int(np.isnan(scores).sum())} NaN of {scores.size}")
    if count == scores.size and not np.isneginf(scores).any():
        return np.ones(scores.shape, dtype=bool)
    threshold = np.partition(scores, scores.size - count)[scores.size - count]
    if np.isneginf(threshold):
        available = scores.size - int(np.isneginf(scores).sum())
        raise ValueError(
            f"density: {density} keeps {count} of {scores.size} entries, but only {available} are not pruned"
        )
    mask = scores > threshold  # (n,)
    ties = np.flatnonzero(scores == threshold)
    mask[ties[: count - int(np.count_nonzero(mask))]] = True
    return mask


def keep_top_globally(
    scores: Mapping[str, Float[np.ndarray, "..."]], density: float
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Mask that keeps the largest scores over all layers together.

    It keeps `keep_count` of the total number of entries.

    Parameters
    ----------
    scores : Mapping[str, Float[np.ndarray, "..."]]
        One score per weight; equal scores are ranked by the order of `scores`, then by index (C order).
    density : float
        Share kept of all entries, in (0, 1].

    Returns
    -------
    dict[str, Bool[np.ndarray, "..."]]
        True = kept, one array per layer, in the order of `scores`.

    Raises
    ------
    ValueError
        If `scores` is empty or a layer has no entries, or as in `keep_top`.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 4 (global pruning).

    Examples
    --------
    >>> mask = keep_top_globally({"W_E": np.array([[0.3, 0.1]]), "W_U": np.array([[0.2], [0.1]])}, 0.75)
    >>> {name: layer.tolist() for name, layer in mask.items()}
    {'W_E': [[True, True]], 'W_U': [[True], [False]]}
    """
    check_layers(scores)
    flat = keep_top(np.concatenate([score.ravel() for score in scores.values()]), density)
    pieces = np.split(flat, np.cumsum([score.size for score in scores.values()])[:-1])
    return {name: piece.reshape(scores[name].shape) for name, piece in zip(scores, pieces, strict=True)}


def magnitude_mask(
    weights: Mapping[str, Float[np.ndarray, "..."]],
    density: float,
    scope: Literal["global", "layer"] = "global",
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Mask that keeps the weights of largest magnitude.

    Parameters
    ----------
    weights : Mapping[str, Float[np.ndarray, "..."]]
        Prunable weights by name; their order decides ties across layers.
    density : float
        Share kept, in (0, 1].
    scope : {"global", "layer"}
        One threshold for all weights together, or the same density inside every layer.

    Returns
    -------
    dict[str, Bool[np.ndarray, "..."]]
        True = kept, one array per weight, in the order of `weights`.

    Raises
    ------
    ValueError
        If `weights` is empty or holds NaN, `density` is outside (0, 1], or `scope` is unknown.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3 (global magnitude pruning).

    Examples
    --------
    >>> weights = {"W_E": np.array([[3.0, -4.0]]), "W_U": np.array([[0.1], [0.2]])}
    >>> {name: mask.ravel().tolist() for name, mask in magnitude_mask(weights, 0.5).items()}
    {'W_E': [True, True], 'W_U': [False, False]}
    >>> {name: mask.ravel().tolist() for name, mask in magnitude_mask(weights, 0.5, scope="layer").items()}
    {'W_E': [False, True], 'W_U': [False, True]}
    """
    scores = {name: np.abs(weight) for name, weight in weights.items()}
    if scope == "global":
        return keep_top_globally(scores, density)
    if scope == "layer":
        check_layers(scores)
        return {name: keep_top(score.ravel(), density).reshape(score.shape) for name, score in scores.items()}
    raise ValueError(f"scope: expected 'global' or 'layer', got {scope!r}")


def density(mask: Mapping[str, Bool[np.ndarray, "..."]]) -> dict[str, float]:
    """Share of kept entries per layer and overall ("global").

    Parameters
    ----------
    mask : Mapping[str, Bool[np.ndarray, "..."]]
        One bool array per weight, True = kept.

    Returns
    -------
    dict[str, float]
        Dimensionless, in [0, 1]; the layers in order, then "global" (every entry counts once).

    Raises
    ------
    ValueError
        If `mask` is empty, a layer has no entries, or a layer is called "global".

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 1 ("P_m" there is this share in per cent).

    Examples
    --------
    >>> density({"W_E": np.array([True, False]), "W_U": np.array([True, True, True, False, True, True])})
    {'W_E': 0.5, 'W_U': 0.8333333333333334, 'global': 0.75}
    """
    check_layers(mask)
    n_kept = {name: int(np.count_nonzero(layer)) for name, layer in mask.items()}
    return {name: n_kept[name] / layer.size for name, layer in mask.items()} | {
        GLOBAL: sum(n_kept.values()) / sum(layer.size for layer in mask.values())
    }


def check_layers(layers: Mapping[str, np.ndarray]) -> None:
    """Raise unless a mapping can be a network's mask.

    Parameters
    ----------
    layers : Mapping[str, np.ndarray]
        Arrays by the weight's name.

    Raises
    ------
    ValueError
        If there is no layer, a layer has no entries, or a layer is called "global".

    References
    ----------
    .. [1] Frankle & Carbin, arXiv:1803.03635, Sec. 1 (a mask per network, 1 = kept).

    Examples
    --------
    >>> check_layers({"W_E": np.ones((2, 3))})
    """
    if not layers:
        raise ValueError("mask: expected at least one layer, got none")
    if GLOBAL in layers:
        raise ValueError(f"mask: expected no layer called {GLOBAL!r}, the key of the total, got one")
    if empty := [name for name, layer in layers.items() if layer.size == 0]:
        raise ValueError(f"mask: expected entries in every layer, got none in {empty}")
