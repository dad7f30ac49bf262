"""Number of node pairs at each distance in a mask graph.

The distance of two nodes is the number of edges on a shortest path. A mask graph has few nodes in its even or
its odd layers and a small diameter. Distances are therefore counted by dense float32 products of 0/1
matrices, one distance at a time, until every pair of each component is reached. Products are exact as long as
a node has fewer than 2^24 neighbours.

Shape letters: n = nodes; a, b = nodes of the two sides of a bipartite graph, none isolated; r = rows of a
block; h = largest distance + 1; c = components.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy.sparse.csgraph import connected_components

BLOCK_SIZE = 64
"""Rows per block of a symmetric product. A block with a thousand columns then fits the cache."""


def symmetric_product_blocks(
    left: Float32[np.ndarray, "a b"], right: Float32[np.ndarray, "a b"]
) -> Iterator[tuple[slice, slice, Float32[np.ndarray, "r _"]]]:
    """Yield the upper triangle of `left.T @ right` in blocks.

    The product must be symmetric.

    Parameters
    ----------
    left, right : Float32[np.ndarray, "a b"]
        Matrices whose product is symmetric, which is not checked.

    Yields
    ------
    tuple[slice, slice, Float32[np.ndarray, "r _"]]
        The block's rows of the product, all rows after them, and the block. Its columns are its own rows and
        then the rows after. By symmetry `block[:, r:]` also gives the entries below the diagonal.

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
    left_T = np.ascontiguousarray(left.T)  # (b, a)
    n = len(left_T)
    for start in range(0, n, BLOCK_SIZE):
        stop = min(start + BLOCK_SIZE, n)
        yield slice(start, stop), slice(stop, n), left_T[start:stop] @ right[:, start:]


def bipartite_distance_counts(
    edges: Float32[np.ndarray, "a b"], near_a: Bool[np.ndarray, "a a"], near_b: Int[np.ndarray, " b"]
) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " c"]]:
    """Pairs per distance and component sizes of a bipartite graph.

    Distances within a side are even, distances between the sides odd. From the pairs of side a within
    distance 2k, one product with the edges gives the pairs of a and b within 2k + 1. The product for side b
    is restricted to nodes that have not yet reached all of their component.

    Parameters
    ----------
    edges : Float32[np.ndarray, "a b"]
        0/1, no empty row or column. Fast when side a is the smaller one.
    near_a : Bool[np.ndarray, "a a"]
        Pairs with a common neighbour, `edges @ edges.T > 0`; the diagonal is True. `near_a` and `near_b` are
        arguments because the caller needs these products for the clustering coefficients too.
    near_b : Int[np.ndarray, "b"]
        Number of nodes of side b within distance 2 of each node of b, the node itself included.

    Returns
    -------
    Int[np.ndarray, "h"]
        Entry d is the number of unordered pairs at distance d; entry 0 is 0. Pairs in different components
        are not counted.
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
    within_a, across, within_b = step, edges, near_b  # (a, a) within 2, (a, b) within 1, (b,) within 2
    reached_even = [sum(edges.shape), int(np.count_nonzero(near_a)) + int(near_b.sum())]
    reached_odd = [int(np.count_nonzero(edges))]
    while reached_even[-1] < goal_even or reached_odd[-1] < goal_odd:
        across = (within_a @ edges > 0).astype(np.float32)
        reached_odd.append(int(np.count_nonzero(across)))
        if reached_even[-1] < goal_even:
            within_a = (within_a @ step > 0).astype(np.float32)
            within_b = _count_two_farther(across, edges, within_b, size_b, part_b)
            reached_even.append(int(np.count_nonzero(within_a)) + int(within_b.sum()))
    counts = np.zeros(2 * max(len(reached_even), len(reached_odd)) + 1, dtype=np.int64)
    counts[1 : 2 * len(reached_odd) : 2] = np.diff(reached_odd, prepend=0)
    counts[2 : 2 * len(reached_even) : 2] = np.diff(reached_even) // 2
    return np.trim_zeros(counts, "b"), size_a + size_b


def _count_two_farther(
    across: Float32[np.ndarray, "a b"],
    edges: Float32[np.ndarray, "a b"],
    within: Int[np.ndarray, " b"],
    size: Int[np.ndarray, " c"],
    part: Int[np.ndarray, " b"],
) -> Int[np.ndarray, " b"]:
    """Nodes of side b within a distance two larger than that of `within`.

    `across` holds the pairs of a and b at the distance in between.
    """
    rows = np.flatnonzero(within < size[part])  # (r,) nodes that do not reach all of their component yet
    complete = size - np.bincount(part[rows], minlength=size.size)  # (c,) the other nodes
    n_reached = np.zeros(rows.size, dtype=np.int64)
    for block_rows, rows_after, block in symmetric_product_blocks(across[:, rows], edges[:, rows]):
        reached = block > 0
        n_reached[block_rows] += np.count_nonzero(reached, axis=1)
        n_reached[rows_after] += np.count_nonzero(reached[:, len(reached) :], axis=0)
    farther = within.copy()
    farther[rows] = n_reached + complete[part[rows]]
    return farther


def distance_counts(edges: Bool[np.ndarray, "n n"]) -> tuple[Int[np.ndarray, " h"], Int[np.ndarray, " c"]]:
    """Pairs per distance and component sizes of an undirected graph.

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
