"""Singular values of one layer's mask, compared with Ramanujan bounds.

A layer is a bipartite graph, rows (source units) on the left, columns (target units) on the right. Its
adjacency matrix has the eigenvalues ±σ, where σ are the singular values of the mask M, so σ₂ is the largest
nontrivial eigenvalue. A small σ₂ makes the graph a good expander; a Ramanujan graph has the smallest σ₂ that
its degrees allow in the limit of large graphs.

Shape letters: l, r = rows and columns of the layer.
"""

import numpy as np
from jaxtyping import Bool, Float

MIN_ROWS_AND_DEGREE = 3
"""Smallest number of rows of one degree, and smallest degree, that the iterative mean counts.

From the code of Hoang et al.
"""


def expander_properties(
    mask: Bool[np.ndarray, "l r"], weights: Float[np.ndarray, "l r"] | None = None
) -> dict[str, float]:
    """Singular values and Ramanujan gaps of a layer's mask.

    A Ramanujan gap is bound − σ₂. A positive gap means that σ₂ is below the bound, as in a Ramanujan graph.
    There are several bounds, so a mask may have gaps of both signs. Mean degrees are over units with at least
    one kept edge, as in the code of [1]_: d_L of the rows, d_R of the columns, d of all units.

    Parameters
    ----------
    mask : Bool[np.ndarray, "l r"]
        True = kept.
    weights : Float[np.ndarray, "l r"], optional
        Values of the weights. Only weights kept by `mask` count.

    Returns
    -------
    dict[str, float]
        `density`; `sigma_1`, `sigma_2` (0 if a side has one unit); `spectral_gap` σ₁ − σ₂;
        `ramanujan_gap_hoang` √(d_L−1) + √(d_R−1) − σ₂; `ramanujan_gap_minegishi` √(2d−1) − σ₂;
        `ramanujan_gap_regular` 2√(d−1) − σ₂, the bound of a d-regular graph;
        `iterative_mean_difference`, see the function of that name.
        With `weights` also `weighted_…` of the two σ and the four gaps, from the singular values of
        W ⊙ M, in the unit of W. Each Ramanujan bound is then multiplied by the root mean square of the kept
        weights. This is our choice, which the sources leave open: the bound scales with W, and equals the
        unweighted bound if all kept weights are 1. Gaps of an empty mask are nan.

    Raises
    ------
    ValueError
        If `mask` is not a bool matrix with units on both sides, `weights` has another shape, or a kept weight
        is not finite.

    References
    ----------
    .. [1] Hoang et al., "Revisiting pruning at initialization through the lens of Ramanujan graph", ICLR
       2023, Sec. 3; github.com/VITA-Group/ramanujan-on-pai, lib/graphs/scores.py (`hoang`; units without an
       edge are left out).
    .. [2] Minegishi et al., arXiv:2310.19470, Sec. 5 (`minegishi`; the paper does not say which mean degree).
    .. [3] Lubotzky, Phillips and Sarnak, Combinatorica 8:261 (1988) (`regular`).

    Examples
    --------
    >>> ring = np.array([[True, True, False], [False, True, True], [True, False, True]])  # a 6-ring
    >>> values = expander_properties(ring)
    >>> [round(values[name], 6) for name in ("sigma_1", "sigma_2", "ramanujan_gap_hoang")]
    [2.0, 1.0, 1.0]
    """
    if mask.dtype != np.bool_ or mask.ndim != 2 or mask.size == 0:
        raise ValueError(
            f"mask: expected a bool matrix with units on both sides, got {mask.dtype} of shape {mask.shape}"
        )
    sigma_1, sigma_2 = _two_singular_values(mask.astype(np.float64))
    bounds = _ramanujan_bounds(mask)
    values = {"density": float(mask.mean()), "sigma_1": sigma_1, "sigma_2": sigma_2}
    values["spectral_gap"] = sigma_1 - sigma_2 if mask.any() else np.nan
    values |= {f"ramanujan_gap_{name}": bound - sigma_2 for name, bound in bounds.items()}
    values["iterative_mean_difference"] = iterative_mean_difference(mask)
    if weights is None:
        return values
    if weights.shape != mask.shape:
        raise ValueError(f"weights: expected the shape {mask.shape} of mask, got {weights.shape}")
    masked = np.where(mask, weights, 0.0).astype(np.float64)  # (l, r)
    if not np.isfinite(masked).all():
        raise ValueError(
            f"weights: expected finite kept weights, got {int((~np.isfinite(masked)).sum())} others"
        )
    sigma_1, sigma_2 = _two_singular_values(masked)
    scale = float(np.sqrt(np.mean(np.square(masked[mask])))) if mask.any() else np.nan
    values |= {"weighted_sigma_1": sigma_1, "weighted_sigma_2": sigma_2}
    values["weighted_spectral_gap"] = sigma_1 - sigma_2 if mask.any() else np.nan
    return values | {
        f"weighted_ramanujan_gap_{name}": scale * bound - sigma_2 for name, bound in bounds.items()
    }


def iterative_mean_difference(mask: Bool[np.ndarray, "l r"]) -> float:
    """Mean `hoang` gap over the left-regular parts of a layer.

    The source calls this the iterative mean difference of bound. For every degree d that at least three rows
    have, these rows and the columns they connect to form a subgraph. Its gap is √(d−1) + √(d_R−1) − σ₂ with
    d_R the mean degree of these columns. Subgraphs with d or d_R below 3 are left out; the others are
    averaged with equal weight.

    Parameters
    ----------
    mask : Bool[np.ndarray, "l r"]
        True = kept; the rows are the left side.

    Returns
    -------
    float
        Positive if σ₂ of the parts is below the bound on average; nan if there is no subgraph. Not symmetric:
        `mask.T` groups the other side by degree.

    References
    ----------
    .. [1] Hoang et al., ICLR 2023, Sec. 3; subgraphs are left out as in its code,
       github.com/VITA-Group/ramanujan-on-pai, lib/graphs/scores.py (`iterative_mean_spectral_gap`).

    Examples
    --------
    >>> iterative_mean_difference(np.ones((3, 5), dtype=bool))  # 4 ** 0.5 + 2 ** 0.5 - 0
    3.414213562373095
    """
    degrees = np.count_nonzero(mask, axis=1)  # (l,)
    gaps = []
    for degree, n_rows in zip(*np.unique(degrees, return_counts=True), strict=True):
        if degree < MIN_ROWS_AND_DEGREE or n_rows < MIN_ROWS_AND_DEGREE:
            continue
        part = mask[degrees == degree]
        column_degree = degree * n_rows / np.count_nonzero(part.any(axis=0))
        if column_degree >= MIN_ROWS_AND_DEGREE:
            sigma_2 = _two_singular_values(part.astype(np.float64))[1]
            gaps.append(np.sqrt(degree - 1.0) + np.sqrt(column_degree - 1.0) - sigma_2)
    return float(np.mean(gaps)) if gaps else np.nan


def _ramanujan_bounds(mask: Bool[np.ndarray, "l r"]) -> dict[str, float]:
    """Upper bounds on σ₂ by name, from the mean degrees."""
    n_edges = int(np.count_nonzero(mask))
    if n_edges == 0:
        return dict.fromkeys(("hoang", "minegishi", "regular"), np.nan)
    n_rows, n_columns = (int(np.count_nonzero(mask.any(axis=side))) for side in (1, 0))
    degree = 2.0 * n_edges / (n_rows + n_columns)
    return {
        "hoang": float(np.sqrt(n_edges / n_rows - 1.0) + np.sqrt(n_edges / n_columns - 1.0)),
        "minegishi": float(np.sqrt(2.0 * degree - 1.0)),
        "regular": float(2.0 * np.sqrt(degree - 1.0)),
    }


def _two_singular_values(matrix: Float[np.ndarray, "l r"]) -> tuple[float, float]:
    """Two largest singular values; the second is 0 if missing."""
    sigmas = np.linalg.svd(matrix, compute_uv=False)
    return float(sigmas[0]), float(sigmas[1]) if sigmas.size > 1 else 0.0
