"""Hop distances in a mask graph, counted without listing them.

A mask graph has few nodes in its even or its odd layers and a small diameter, so reaching is done by dense
float32 products of 0/1 matrices, level by level, until every pair of each component is reached. Products are
exact as long as a node has fewer than 2^24 neighbours.

Shape letters: n = nodes; a, b = nodes of the two sides of a bipartite graph, none isolated; r = some rows of
them; h = largest distance + 1; c = components.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy.sparse.csgraph import connected_components

BLOCK = 64
"""Rows per block of a symmetric product; a block with a thousand columns then stays in the cache."""


def symmetric_product_blocks(
    left: Float32[np.ndarray, "a b"], right: Float32[np.ndarray, "a b"]
) -> Iterator[tuple[slice, slice, Float32[np.ndarray, "r _"]]]:
    """Upper triangle of a symmetric product `left.T @ right`, in blocks of rows.

    Parameters
    ----------
    left, right : Float32[np.ndarray, "a b"]
        Matrices whose product is symmetric; that is not checked.

    Yields
    ------
    tuple[slice, slice, Float32[np.ndarray, "r _"]]
        Rows of the product, the rows after them, and the block of the product that has these rows and, as
        columns, these rows and then the ones after. So `block[:, r:]` stands for its mirror image as well.

    References
    ----------
    .. [1] Breadth-first search as matrix products: Kepner & Gilbert, Graph Algorithms in the Language
       of Linear Algebra, SIAM 2011.

    Examples
    --------
    >>> ones = np.ones((2, 100), dtype=np.float32)
    >>> [block.shape for _, _, block in symmetric_product_blocks(ones, ones)]
    [(64, 100), (36, 36)]
    """
    rows_of_left = np.ascontiguousarray(left.T)  # (b, a)
    n = len(rows_of_left)
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        yield slice(start, stop), slice(stop, n), rows_of_left[start:stop] @ right[:, start:]


def bipartite_distance_counts(
    edges: Float32[np.ndarray, "a b"], near_a: Bool[np.ndarray, "a a"], near_b: Int[np.ndarray, " b"]
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " c"]]:
    """Number of node pairs at each hop distance in a bipartite graph, and the sizes of its components.

    Distances within a side are even, across it odd. If a node lies within 2k hops of others of its side, one
    product with the edges gives the far side within 2k + 1. Only nodes of side b that still miss some of
    their component enter the product for that side.

    Parameters
    ----------
    edges : Float32[np.ndarray, "a b"]
        0/1, no empty row or column. Fast when side a is the smaller one.
    near_a : Bool[np.ndarray, "a a"]
        Pairs with a common neighbour, `edges @ edges.T > 0`; the diagonal is True.
    near_b : Int[np.ndarray, "b"]
        Number of nodes of side b within two hops, itself included. These two are passed in because the
        clustering coefficients need the same products.

    Returns
    -------
    Int[np.ndarray, "h"]
        Entry d is the number of unordered pairs at distance d; entry 0 is 0. Pairs in different components
        are in no entry.
    Int[np.ndarray, "c"]
        Number of nodes of each component.

    References
    ----------
    .. [1] Seidel, J. Comput. Syst. Sci. 51:400 (1995), Sec. 1 (distances by products of 0/1 matrices).

    Examples
    --------
    >>> path = np.array([[1, 0], [1, 1]], dtype=np.float32)  # b0 joins a0 and a1, b1 hangs on a1
    >>> bipartite_distance_counts(path, path @ path.T > 0, np.array([2, 2]))[0].tolist()
    [0, 3, 2, 1]
    """
    if edges.size == 0:
        return np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    n_components, part_a = connected_components(near_a, directed=False)
    part_b = part_a[np.argmax(edges, axis=0)]
    size_a, size_b = (np.bincount(part, minlength=n_components) for part in (part_a, part_b))
    goal_even = int(size_a @ size_a + size_b @ size_b)  # ordered pairs, each node with itself included
    goal_odd = int(size_a @ size_b)

    step = near_a.astype(np.float32)
    within_a, across, within_b = step, edges, near_b  # (a, a) within 2 hops, (a, b) within 1, (b,) within 2
    reached_even = [sum(edges.shape), int(np.count_nonzero(near_a)) + int(near_b.sum())]
    reached_odd = [int(np.count_nonzero(edges))]
    while reached_even[-1] < goal_even or reached_odd[-1] < goal_odd:
        across = (within_a @ edges > 0).astype(np.float32)
        reached_odd.append(int(np.count_nonzero(across)))
        if reached_even[-1] < goal_even:
            within_a = (within_a @ step > 0).astype(np.float32)
            within_b = _reach_rest(across, edges, within_b, size_b, part_b)
            reached_even.append(int(np.count_nonzero(within_a)) + int(within_b.sum()))
    counts = np.zeros(2 * max(len(reached_even), len(reached_odd)) + 1, dtype=np.int64)
    counts[1 : 2 * len(reached_odd) : 2] = np.diff(reached_odd, prepend=0)
    counts[2 : 2 * len(reached_even) : 2] = np.diff(reached_even) // 2
    return np.trim_zeros(counts, "b"), size_a + size_b


def _reach_rest(
    across: Float32[np.ndarray, "a b"],
    edges: Float32[np.ndarray, "a b"],
    within: Int[np.ndarray, " b"],
    size: Int[np.ndarray, " c"],
    part: Int[np.ndarray, " b"],
) -> Int[np.ndarray, " b"]:
    """Number of nodes of side b within two hops more than `within` counts, `across` being one hop before."""
    rows = np.flatnonzero(within < size[part])  # (r,)
    complete = size - np.bincount(part[rows], minlength=size.size)  # (c,) nodes that reach all of their part
    fresh = np.zeros(rows.size, dtype=np.int64)
    for here, after, block in symmetric_product_blocks(across[:, rows], edges[:, rows]):
        hit = block > 0
        fresh[here] += np.count_nonzero(hit, axis=1)
        fresh[after] += np.count_nonzero(hit[:, len(hit) :], axis=0)
    farther = within.copy()
    farther[rows] = fresh + complete[part[rows]]
    return farther


def distance_counts(edges: Bool[np.ndarray, "n n"]) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " c"]]:
    """Number of node pairs at each hop distance in any undirected graph, and the sizes of its components.

    Parameters
    ----------
    edges : Bool[np.ndarray, "n n"]
        Symmetric adjacency matrix without loops.

    Returns
    -------
    Int[np.ndarray, "h"]
        Entry d is the number of unordered pairs at distance d; entry 0 is 0.
    Int[np.ndarray, "c"]
        Number of nodes of each component, isolated nodes included.

    References
    ----------
    .. [1] Seidel, J. Comput. Syst. Sci. 51:400 (1995), Sec. 1.

    Examples
    --------
    >>> triangle_and_node = np.zeros((4, 4), dtype=bool)
    >>> triangle_and_node[:3, :3] = ~np.eye(3, dtype=bool)
    >>> [counts.tolist() for counts in distance_counts(triangle_and_node)]
    [[0, 3], [3, 1]]
    """
    sizes = np.bincount(connected_components(edges, directed=False)[1])
    step = edges.astype(np.float32)
    np.fill_diagonal(step, 1.0)
    within = np.eye(len(edges), dtype=np.float32)
    reached = [len(edges)]
    while reached[-1] < int(sizes @ sizes):
        within = (within @ step > 0).astype(np.float32)
        reached.append(int(np.count_nonzero(within)))
    return np.diff(reached, prepend=reached[0]) // 2, sizes
