"""Statistically validated projection of a layer's mask on its units.

Two units are joined if they share more kept connections than chance gives units of as many connections.

Shape letters: l, r = units of the layer's two sides; e = edges.
"""

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Int


def validated_projection(
    mask: Bool[np.ndarray, "l r"], alpha: float = 0.01
) -> tuple[Int[np.ndarray, "e 2"], Int[np.ndarray, " e"], Float[np.ndarray, " e"]]:
    """Return the pairs of target units that share more sources than chance.

    Units with c and d kept connections of l share, by chance, a hypergeometric number of sources, with mean
    c d / l. A pair is an edge if so many or more have a probability below `alpha` divided by the number of
    pairs (Bonferroni), so that a mask without structure has one or more edges with probability `alpha` at
    most. Chance is that of sources which are all alike: where some sources are kept by nearly all units, a
    rewired mask of equal degrees has edges too.

    Parameters
    ----------
    mask : Bool[np.ndarray, "l r"]
        Mask of one layer, row = source unit, column = target unit, True = kept.
    alpha : float
        Level of the family of all tests, in (0, 1).

    Returns
    -------
    pairs : Int[np.ndarray, "e 2"]
        Indices of the two target units, the first below the second, in lexical order.
    shared : Int[np.ndarray, "e"]
        Number of sources that both keep.
    expected : Float[np.ndarray, "e"]
        Mean of this number by chance.

    Raises
    ------
    ValueError
        If the mask is not a bool matrix with units on both sides, or `alpha` is not in (0, 1).

    References
    ----------
    .. [1] Tumminello et al., Statistically validated networks in bipartite complex systems, PLoS ONE 6,
       e17994 (2011), Bonferroni network.

    Examples
    --------
    Units 0 and 1 keep the same sources; unit 2 keeps others.

    >>> mask = np.zeros((40, 3), dtype=bool)
    >>> mask[:10, :2] = mask[10:20, 2] = True
    >>> pairs, shared, expected = validated_projection(mask)
    >>> pairs.tolist(), shared.tolist(), expected.tolist()
    ([[0, 1]], [10], [2.5])
    """
    if mask.dtype != np.bool_ or mask.ndim != 2 or 0 in mask.shape:
        raise ValueError(f"mask: expected a bool matrix with units, got {mask.dtype} of shape {mask.shape}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha: expected a number in (0, 1), got {alpha}")
    n_sources, n_targets = mask.shape
    degrees = mask.sum(axis=0)
    first, second = np.triu_indices(n_targets, 1)
    edges = mask.astype(np.float32)
    shared = (edges.T @ edges)[first, second].astype(int)
    c, d = degrees[first], degrees[second]
    probability = scipy.stats.hypergeom.sf(shared - 1, n_sources, c, d)
    is_edge = probability < alpha / max(len(first), 1)
    pairs = np.stack([first, second], axis=1)[is_edge]
    return pairs, shared[is_edge], (c * d / n_sources)[is_edge]
