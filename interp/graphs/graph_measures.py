"""Measures of a mask graph: distances, clustering, degrees, dead units.

The graph and its two constructions are defined in `interp.graphs.mask_graph`. Compare the measures with those
of random masks: `interp.graphs.null_models`.

Shape letters: "_ _" = any two sizes; n = nodes; a, b = nodes of the two sides of a bipartite graph.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int

from interp.graphs.mask_graph import Construction, adjacency, biadjacency, is_bipartite
from interp.graphs.path_lengths import bipartite_distance_counts, distance_counts, symmetric_product_blocks
from interp.graphs.reachability import count_dead_units, reachable_outputs


def properties(layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction) -> dict[str, float]:
    """All graph properties of a network's mask.

    Edges are undirected and unweighted. The distance of two nodes is the number of edges on a shortest path.
    A pair is an unordered pair of different nodes; it is reachable if both are in one component.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output, row = source unit, True = kept.
    construction : {"layered", "folded"}
        See `interp.graphs.mask_graph`.

    Returns
    -------
    dict[str, float]
        `n_nodes`, `n_edges`;
        `average_path_length`: mean distance over reachable pairs, nan if there is none;
        `reachable_fraction`: reachable pairs over all pairs, isolated nodes included, nan for a single node;
        `largest_component`: number of nodes of the largest component;
        `global_efficiency`: mean over all pairs of 1 / distance, 0 for a pair that is not reachable;
        `average_clustering`: mean over nodes of the share of neighbour pairs that are joined, where a node
        of degree below 2 counts 0; always 0 in a graph that is bipartite by layer parity;
        `latapy_clustering`: mean over nodes u of the mean overlap |N(u) & N(v)| / |N(u) | N(v)| of its
        neighbours N(u) with those of the nodes v at distance 2, where a node without such v counts 0;
        `robins_alexander_clustering`: 4 times the number of 4-cycles over the number of 3-paths, 0 without
        3-paths; both bipartite clusterings are nan in a graph that is not bipartite by layer parity;
        `degree_mean`, `degree_variance` (ddof 0), `degree_cv` (standard deviation over mean, nan without
        edges), `degree_max`; `isolated_fraction`: share of nodes without an edge;
        `dead_units`: number of hidden units on no forward path from an input to an output
        (`interp.graphs.reachability`);
        `input_output_reachability`: share of (input, output) pairs joined by a forward path.
        The last two do not depend on the construction.

    Raises
    ------
    ValueError
        As in `interp.graphs.mask_graph.layer_sizes`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 5 (path length and clustering of the weight graph; its
       construction is not given, so its numbers are not reproduced).
    .. [2] Latora and Marchiori, Phys. Rev. Lett. 87:198701 (2001), Eq. 1 (global efficiency).
    .. [3] Latapy, Magnien and Del Vecchio, Social Networks 30:31 (2008), Sec. 4.3 (`dot` of networkx).
    .. [4] Robins and Alexander, Comput. Math. Organ. Theory 10:69 (2004), Sec. 3.

    Examples
    --------
    >>> path = [np.array([[True, False], [True, True]]), np.array([[False], [True]])]
    >>> values = properties(path, "layered")  # five units in a row
    >>> values["average_path_length"], values["reachable_fraction"], round(values["latapy_clustering"], 6)
    (2.0, 1.0, 0.433333)
    """
    if is_bipartite(layers, construction):
        degrees, counts, sizes, clustering = _measure_bipartite(biadjacency(layers, construction))
    else:
        degrees, counts, sizes, clustering = _measure_any(adjacency(layers, construction).toarray())
    n_pairs = degrees.size * (degrees.size - 1) // 2
    n_reachable = int(counts.sum())
    distances = np.arange(counts.size)
    return {
        "n_nodes": float(degrees.size),
        "n_edges": float(degrees.sum() // 2),
        "average_path_length": int(counts @ distances) / n_reachable if n_reachable else np.nan,
        "reachable_fraction": n_reachable / n_pairs,
        "largest_component": float(sizes.max(initial=1)),
        "global_efficiency": float(counts[1:] @ (1.0 / distances[1:])) / n_pairs,
        **clustering,
        "degree_mean": float(degrees.mean()),
        "degree_variance": float(degrees.var()),
        "degree_cv": float(degrees.std() / degrees.mean()) if degrees.any() else np.nan,
        "degree_max": float(degrees.max()),
        "isolated_fraction": float(np.mean(degrees == 0)),
        "dead_units": float(count_dead_units(layers)),
        "input_output_reachability": float(reachable_outputs(layers).mean()),
    }


def _measure_bipartite(
    edges: Bool[np.ndarray, "a b"],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " h"], Int[np.ndarray, " c"], dict[str, float]]:
    """Degrees, pairs per distance, component sizes, clustering of a biadjacency."""
    if edges.shape[0] > edges.shape[1]:
        edges = edges.T
    degrees = np.concatenate([np.count_nonzero(edges, axis=1), np.count_nonzero(edges, axis=0)])  # (n,)
    linked = edges[degrees[: len(edges)] > 0][:, degrees[len(edges) :] > 0].astype(np.float32)  # (a, b)
    shared_a = linked @ linked.T  # (a, a), numbers of common neighbours
    _, overlap_a = _sum_overlaps(np.ascontiguousarray(linked.T))
    near_b, overlap_b = _sum_overlaps(linked)
    counts, sizes = bipartite_distance_counts(linked, shared_a > 0, near_b)
    clustering = {
        "average_clustering": 0.0,
        "latapy_clustering": (overlap_a + overlap_b) / degrees.size,
        "robins_alexander_clustering": _closed_three_paths(linked, shared_a),
    }
    return degrees, counts, sizes, clustering


def _sum_overlaps(edges: Float32[np.ndarray, "a b"]) -> tuple[Int[np.ndarray, " b"], float]:
    """Nodes within distance 2 and sum of Latapy coefficients, side b.

    The number of nodes includes the node itself. `edges` has no empty row or column.
    """
    degree = edges.sum(axis=0)  # (b,), exact: all floats up to the division hold small integers
    near = np.zeros(degree.size, dtype=np.int64)
    overlap = np.zeros(degree.size)
    for rows, rows_after, shared in symmetric_product_blocks(edges, edges):
        either = degree[rows, None] + degree[rows.start :] - shared
        ratio = np.divide(shared, either, dtype=np.float64)
        near[rows] += np.count_nonzero(shared, axis=1)
        near[rows_after] += np.count_nonzero(shared[:, len(shared) :], axis=0)
        overlap[rows] += ratio.sum(axis=1)
        overlap[rows_after] += ratio[:, len(shared) :].sum(axis=0)
    others = near - 1
    return near, float(np.sum((overlap - 1.0)[others > 0] / others[others > 0]))


def _closed_three_paths(edges: Float32[np.ndarray, "a b"], shared_a: Float32[np.ndarray, "a a"]) -> float:
    """Robins-Alexander coefficient.

    A pair with s common neighbours closes s(s-1)/2 squares.
    """
    others_a, others_b = (edges.sum(axis=side, dtype=np.float64) - 1.0 for side in (1, 0))
    three_paths = float(others_a @ edges.astype(np.float64) @ others_b)
    shared = shared_a.astype(np.float64)
    squares = (float(np.sum(shared * (shared - 1.0))) - float(np.sum((others_a + 1.0) * others_a))) / 4.0
    return 4.0 * squares / three_paths if three_paths else 0.0


def _measure_any(
    edges: Bool[np.ndarray, "n n"],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " h"], Int[np.ndarray, " c"], dict[str, float]]:
    """Degrees, pairs per distance, component sizes, clustering of any graph."""
    degrees = np.count_nonzero(edges, axis=1)
    counts, sizes = distance_counts(edges)
    step = edges.astype(np.float32)
    joined = (step @ step * step).sum(axis=1, dtype=np.float64)
    pairs = np.maximum(degrees * (degrees - 1), 1)  # both orders, as in `joined`
    clustering = {
        "average_clustering": float(np.mean(joined / pairs)),
        "latapy_clustering": np.nan,
        "robins_alexander_clustering": np.nan,
    }
    return degrees, counts, sizes, clustering
