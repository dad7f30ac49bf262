"""Null models: statistics of random masks, to compare a mask with.

A *null model* draws random masks that share some counts with a mask. A statistic of the mask says something
about its structure only as far as the statistic differs from that of the random masks.

Shape letters: n = random masks; "_ _" = any two sizes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from interp.graphs.graph_measures import properties
from interp.graphs.mask_graph import Construction
from interp.masks.random_masks import rewired_mask

NullKind = Literal["density", "degree"]


@dataclass(frozen=True)
class NullComparison:
    """Statistic of a mask, with its distribution over random masks."""

    observed: float
    """Statistic of the mask itself."""
    mean: float
    """Mean over the random masks in which the statistic is defined; nan if there is none."""
    sd: float
    """Standard deviation over these masks, ddof 1; nan for fewer than two; exactly 0 if all are equal."""
    z: float
    """(observed − mean) / sd; nan if `sd` is 0 or nan or the observed value is nan.

    A `sd` of 0 means that the null model fixes the statistic (such as `n_edges`, or `degree_cv` at fixed
    degrees). There is then no z-score, even if `observed` and `mean` differ.
    """
    n: int
    """Number of random masks in which the statistic is defined (not nan)."""


def compare_properties_with_null(
    layers: Sequence[Bool[np.ndarray, "_ _"]],
    construction: Construction,
    generator: np.random.Generator,
    *,
    n: int = 20,
    kind: NullKind = "density",
) -> dict[str, NullComparison]:
    """Compare all graph properties of a mask with random masks.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output, row = source unit, True = kept.
    construction : {"layered", "folded"}
        See `interp.graphs.mask_graph`.
    generator : np.random.Generator
        Source of the random masks.
    n : int
        Number of random masks, at least 2.
    kind : {"density", "degree"}
        Counts that the random masks share with the mask, see `null_masks`.

    Returns
    -------
    dict[str, NullComparison]
        One entry per key of `interp.graphs.graph_measures.properties`.

    Raises
    ------
    ValueError
        If `n` is below 2 or `kind` is unknown, or as in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Maslov and Sneppen, Science 296:910 (2002) (z-scores against degree-preserving rewirings).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> masks = [rng.random((6, 8)) < 0.5, rng.random((8, 6)) < 0.5]
    >>> null = compare_properties_with_null(masks, "layered", rng, n=5, kind="degree")
    >>> null["n_edges"].sd, null["n_edges"].z, bool(np.isfinite(null["latapy_clustering"].z))
    (0.0, nan, True)
    """
    observed = properties(layers, construction)
    samples = [properties(masks, construction) for masks in null_masks(layers, generator, n=n, kind=kind)]
    return compare_with_null(observed, samples)


def null_masks(
    layers: Sequence[Bool[np.ndarray, "_ _"]],
    generator: np.random.Generator,
    *,
    n: int = 20,
    kind: NullKind = "density",
) -> Iterator[list[Bool[np.ndarray, "_ _"]]]:
    """Yield random masks that share counts with a mask.

    They serve for any statistic, and for both graph constructions.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    generator : np.random.Generator
        Source of the random masks.
    n : int
        Number of random masks, at least 2.
    kind : {"density", "degree"}
        `density`: every layer is permuted, keeping its number of edges. `degree`: every layer is rewired,
        keeping each unit's number of inputs and outputs; successive masks are ten more rounds of
        `interp.masks.random_masks.rewired_mask` along one chain that starts at the observed mask.

    Yields
    ------
    list[Bool[np.ndarray, "_ _"]]
        One random mask per layer.

    Raises
    ------
    ValueError
        If `n` is below 2 or `kind` is unknown (before the first mask).

    References
    ----------
    .. [1] Newman, Networks, Oxford 2018 (random graphs with given edge counts or degrees).

    Examples
    --------
    >>> layers = [np.eye(4, dtype=bool)]
    >>> [int(mask.sum()) for mask, in null_masks(layers, np.random.default_rng(0), n=3)]
    [4, 4, 4]
    """
    if n < 2:
        raise ValueError(f"n: expected at least 2 random masks, got {n}")
    if kind not in ("density", "degree"):
        raise ValueError(f"kind: expected 'density' or 'degree', got {kind!r}")
    current = list(layers)
    for _ in range(n):
        if kind == "density":
            current = [generator.permutation(mask.ravel()).reshape(mask.shape) for mask in current]
        else:
            current = [rewired_mask(mask, generator) for mask in current]
        yield current


def compare_with_null(
    observed: Mapping[str, float], samples: Sequence[Mapping[str, float]]
) -> dict[str, NullComparison]:
    """Compare each statistic with its mean and spread over random masks.

    Parameters
    ----------
    observed : Mapping[str, float]
        Statistics of the mask, by name.
    samples : Sequence[Mapping[str, float]]
        Statistics of each random mask, with the names of `observed`; nan where undefined.

    Returns
    -------
    dict[str, NullComparison]
        In the order of `observed`.

    Raises
    ------
    ValueError
        If there are fewer than two samples, or one has other names than `observed`.

    References
    ----------
    .. [1] Newman, Networks, Oxford 2018 (z-scores against a random graph model).

    Examples
    --------
    >>> compare_with_null({"x": 3.0}, [{"x": 0.0}, {"x": 2.0}])["x"].z
    1.414213562373095
    """
    if len(samples) < 2:
        raise ValueError(f"samples: expected at least 2, got {len(samples)}")
    for sample in samples:
        if sample.keys() != observed.keys():
            raise ValueError(f"samples: expected the names {sorted(observed)}, got {sorted(sample)}")
    return {
        name: _compare(value, np.array([sample[name] for sample in samples], dtype=np.float64))
        for name, value in observed.items()
    }


def _compare(observed: float, samples: Float[np.ndarray, " n"]) -> NullComparison:
    defined = samples[~np.isnan(samples)]
    if defined.size == 0:
        return NullComparison(observed, np.nan, np.nan, np.nan, 0)
    if np.ptp(defined) == 0:  # in floating point, the mean of equal numbers may differ from the number
        sd = 0.0 if defined.size > 1 else np.nan
        return NullComparison(observed, float(defined[0]), sd, np.nan, defined.size)
    mean, sd = float(defined.mean()), float(defined.std(ddof=1))
    return NullComparison(observed, mean, sd, (observed - mean) / sd, defined.size)
