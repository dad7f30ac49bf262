"""Overlap of two masks, compared with the overlap of independent masks.

Shape letters: "..." = any shape of a weight.
"""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool

from interp.masks.topk import GLOBAL, density


def jaccard_distance(a: Bool[np.ndarray, "*shape"], b: Bool[np.ndarray, "*shape"]) -> float:
    """Jaccard distance `1 - |a and b| / |a or b|` of two masks.

    Parameters
    ----------
    a, b : Bool[np.ndarray, "*shape"]
        Masks of equal shape, True = kept.

    Returns
    -------
    float
        0 for equal masks, 1 for masks without a common kept entry. Two masks that keep nothing have 0.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (distance between the masks of two checkpoints).

    Examples
    --------
    >>> jaccard_distance(np.array([True, True, False]), np.array([True, False, True]))
    0.6666666666666667
    """
    if a.shape != b.shape:
        raise ValueError(f"b: expected the shape {a.shape} of a, got {b.shape}")
    union = int(np.count_nonzero(a | b))
    return 1.0 - int(np.count_nonzero(a & b)) / union if union else 0.0


def chance_jaccard_distance(density_a: float, density_b: float) -> float:
    """Jaccard distance of two independent random masks.

    This is 1 minus the ratio of the expected sizes of intersection and union, `1 - ab / (a + b - ab)`; for
    equal densities `1 - d / (2 - d)`. The expected ratio differs by a relative O(1 / number of entries).

    Parameters
    ----------
    density_a, density_b : float
        Shares kept, in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0 when both densities are 0, as in `jaccard_distance`.

    Raises
    ------
    ValueError
        If a density is outside [0, 1].

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (the paper prints distances without this baseline).

    Examples
    --------
    >>> round(chance_jaccard_distance(0.4, 0.4), 12)
    0.75
    """
    for name, value in (("density_a", density_a), ("density_b", density_b)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: expected a number in [0, 1], got {value!r}")
    union = density_a + density_b - density_a * density_b
    return 1.0 - density_a * density_b / union if union else 0.0


def jaccard_distances(
    a: Mapping[str, Bool[np.ndarray, "..."]], b: Mapping[str, Bool[np.ndarray, "..."]]
) -> dict[str, float]:
    """Jaccard distance of two networks' masks, per layer and overall.

    Parameters
    ----------
    a, b : Mapping[str, Bool[np.ndarray, "..."]]
        Masks with the same layers and shapes, True = kept.

    Returns
    -------
    dict[str, float]
        The layers in the order of `a`, then "global", over the entries of all layers. See `jaccard_distance`.

    Raises
    ------
    ValueError
        If names or shapes differ, or a mask is not valid for `interp.masks.topk.density`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5.

    Examples
    --------
    >>> a = {"W_E": np.array([True, True]), "W_U": np.array([True, False])}
    >>> b = {"W_E": np.array([True, True]), "W_U": np.array([False, True])}
    >>> jaccard_distances(a, b)
    {'W_E': 0.0, 'W_U': 1.0, 'global': 0.5}
    """
    _check_pair(a, b)
    distances = {name: jaccard_distance(a[name], b[name]) for name in a}
    flat_a, flat_b = (np.concatenate([mask[name].ravel() for name in a]) for mask in (a, b))
    return distances | {GLOBAL: jaccard_distance(flat_a, flat_b)}


def chance_jaccard_distances(
    a: Mapping[str, Bool[np.ndarray, "..."]], b: Mapping[str, Bool[np.ndarray, "..."]]
) -> dict[str, float]:
    """Jaccard distance of independent masks with given layer densities.

    The layer densities are those of `a` and `b`. The global value adds the expected intersections and unions
    of the layers: the expectation for masks from `shuffled_mask`. It is below `chance_jaccard_distance` of
    the global densities when both masks are densest in the same layers.

    Parameters
    ----------
    a, b : Mapping[str, Bool[np.ndarray, "..."]]
        Masks with the same layers and shapes, True = kept.

    Returns
    -------
    dict[str, float]
        The layers in the order of `a`, then "global".

    Raises
    ------
    ValueError
        If names or shapes differ, or a mask is not valid for `interp.masks.topk.density`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (without this baseline).

    Examples
    --------
    >>> a = {"W_E": np.array([True, True]), "W_U": np.array([True, False])}
    >>> chance_jaccard_distances(a, a)
    {'W_E': 0.0, 'W_U': 0.6666666666666667, 'global': 0.2857142857142857}
    """
    _check_pair(a, b)
    densities_a, densities_b = density(a), density(b)
    both = either = 0.0
    for name, layer in a.items():
        density_a, density_b = densities_a[name], densities_b[name]
        both += density_a * density_b * layer.size
        either += (density_a + density_b - density_a * density_b) * layer.size
    chances = {name: chance_jaccard_distance(densities_a[name], densities_b[name]) for name in a}
    return chances | {GLOBAL: 1.0 - both / either if either else 0.0}


def overlap_excess(overlap: float, chance: float) -> float:
    """Overlap corrected for chance, `(overlap - chance) / (1 - chance)`.

    Parameters
    ----------
    overlap, chance : float
        Measured and expected Jaccard overlap (1 - distance), in [0, 1].

    Returns
    -------
    float
        1 for equal masks, 0 at chance, negative below chance; NaN where chance is 1. Masks of different
        densities a < b cannot be equal: their overlap is at most a / b.

    Raises
    ------
    ValueError
        If an overlap is outside [0, 1].

    References
    ----------
    .. [1] Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960) (this
       correction of an agreement; here of Jaccard overlaps).

    Examples
    --------
    >>> overlap_excess(0.4, 0.25), overlap_excess(1.0, 0.25)
    (0.20000000000000004, 1.0)
    """
    for name, value in (("overlap", overlap), ("chance", chance)):
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: expected a number in [0, 1], got {value!r}")
    return (overlap - chance) / (1.0 - chance) if chance < 1.0 else math.nan


def overlap_z_scores(
    a: Mapping[str, Bool[np.ndarray, "..."]], b: Mapping[str, Bool[np.ndarray, "..."]]
) -> dict[str, float]:
    """z-score of the common entries against masks shuffled within layers.

    Mean and standard deviation are exact. In a layer of N entries, of which one mask keeps a and the other b,
    the number of common entries is hypergeometric with mean ab/N and variance ab(N - a)(N - b) / (N²(N - 1)).
    Layers are independent, so means and variances add. At fixed a and b the Jaccard overlap is an increasing
    function of the number of common entries alone, so the z-score is one of the overlap too.

    Parameters
    ----------
    a, b : Mapping[str, Bool[np.ndarray, "..."]]
        Masks with the same layers and shapes, True = kept.

    Returns
    -------
    dict[str, float]
        In standard deviations; the layers in the order of `a`, then "global". NaN where the number of common
        entries cannot vary (a mask that keeps all or nothing of every layer).

    Raises
    ------
    ValueError
        If names or shapes differ, or a mask is not valid for `interp.masks.topk.density`.

    References
    ----------
    .. [1] Feller, An Introduction to Probability Theory, vol. 1, Ch. II.6 and IX.5 (hypergeometric law).

    Examples
    --------
    >>> a = {"W_E": np.array([True, True, False, False])}
    >>> {name: round(z, 3) for name, z in overlap_z_scores(a, a).items()}
    {'W_E': 1.732, 'global': 1.732}
    """
    _check_pair(a, b)
    densities_a, densities_b = density(a), density(b)
    excess, variance = {}, {}
    for name, layer in a.items():
        expected = layer.size * densities_a[name] * densities_b[name]
        excess[name] = int(np.count_nonzero(layer & b[name])) - expected
        pruned = (1 - densities_a[name]) * (1 - densities_b[name])
        variance[name] = expected * pruned * layer.size / (layer.size - 1) if layer.size > 1 else 0.0
    excess[GLOBAL], variance[GLOBAL] = sum(excess.values()), sum(variance.values())
    return {name: excess[name] / math.sqrt(v) if v else math.nan for name, v in variance.items()}


def _check_pair(a: Mapping[str, Bool[np.ndarray, "..."]], b: Mapping[str, Bool[np.ndarray, "..."]]) -> None:
    shapes_a, shapes_b = ({name: layer.shape for name, layer in mask.items()} for mask in (a, b))
    if shapes_a != shapes_b:
        raise ValueError(f"b: expected the layers and shapes of a, {shapes_a}, got {shapes_b}")
