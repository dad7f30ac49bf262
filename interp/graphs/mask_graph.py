"""Graph of a mask: units are nodes, kept weights are edges.

A network's mask is the ordered chain of its layers' masks, called `layers` in this folder. Each is a bool
matrix, row = source unit, column = target unit, True = kept; the columns of one are the rows of the next.
Edges are undirected.

Two constructions. `layered`: a node per unit. `folded`: output unit a and input unit a are one node (in tasks
on residues), so that the chain becomes a ring. Nodes are numbered layer by layer, input first.

A layered graph is bipartite by the parity of the layer. A folded graph is a ring of `len(layers)` layers of
nodes, and every edge goes to a neighbouring layer, so a closed walk of odd length exists only if the ring is
odd. With an even number of weight layers (the paper's MLP: four) the folded graph is therefore bipartite and
has no triangle; only three weight layers allow triangles.

Shape letters: n = nodes; a, b = nodes in even and odd layers; "_ _" = any two sizes.
"""

from collections.abc import Sequence
from typing import Literal

import networkx as nx
import numpy as np
import scipy.sparse
from jaxtyping import Bool

Construction = Literal["layered", "folded"]


def layer_sizes(layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction) -> tuple[int, ...]:
    """Number of nodes in each layer, after checking the masks.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    construction : {"layered", "folded"}
        See the module.

    Returns
    -------
    tuple[int, ...]
        `len(layers) + 1` sizes for `layered`, `len(layers)` for `folded`.

    Raises
    ------
    ValueError
        If `layers` is empty, a mask is not a bool matrix with units on both sides, the shapes do not chain,
        `construction` is unknown, or `folded` gets fewer than two layers (which would make loops) or outputs
        and inputs of different number.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (graph of a mask; it does not say which construction).

    Examples
    --------
    >>> masks = [np.ones((3, 2), dtype=bool), np.ones((2, 3), dtype=bool)]
    >>> layer_sizes(masks, "layered"), layer_sizes(masks, "folded")
    ((3, 2, 3), (3, 2))
    """
    if len(layers) == 0:
        raise ValueError("layers: expected at least one mask, got none")
    for i, mask in enumerate(layers):
        if mask.dtype != np.bool_ or mask.ndim != 2 or 0 in mask.shape:
            raise ValueError(
                f"layers[{i}]: expected a bool matrix with units, got {mask.dtype} of shape {mask.shape}"
            )
        if i > 0 and mask.shape[0] != layers[i - 1].shape[1]:
            raise ValueError(
                f"layers[{i}]: expected {layers[i - 1].shape[1]} rows, the columns of the layer "
                f"before, got shape {mask.shape}"
            )
    sizes = (layers[0].shape[0], *(mask.shape[1] for mask in layers))
    if construction == "layered":
        return sizes
    if construction != "folded":
        raise ValueError(f"construction: expected 'layered' or 'folded', got {construction!r}")
    if len(layers) < 2:
        raise ValueError("layers: expected at least two for the folded construction, got one")
    if sizes[0] != sizes[-1]:
        raise ValueError(
            "layers: expected as many outputs as inputs for the folded construction, "
            f"got {sizes[-1]} and {sizes[0]}"
        )
    return sizes[:-1]


def is_bipartite(layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction) -> bool:
    """Return True if the graph is bipartite by layer parity.

    Every edge then connects an even layer to an odd layer.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    construction : {"layered", "folded"}
        See the module.

    Returns
    -------
    bool
        True for `layered`, and for `folded` with an even number of weight layers. Where this is False, a mask
        with few edges may still be bipartite by accident.

    Raises
    ------
    ValueError
        As in `layer_sizes`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (graph of a mask; it does not say which construction).

    Examples
    --------
    >>> square = np.ones((2, 2), dtype=bool)
    >>> is_bipartite([square] * 4, "folded"), is_bipartite([square] * 3, "folded")
    (True, False)
    """
    layer_sizes(layers, construction)
    return construction == "layered" or len(layers) % 2 == 0


def biadjacency(
    layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction
) -> Bool[np.ndarray, "a b"]:
    """Edges of a bipartite mask graph as one matrix.

    Nodes of even layers are rows, nodes of odd layers are columns.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    construction : {"layered", "folded"}
        See the module.

    Returns
    -------
    Bool[np.ndarray, "a b"]
        Rows: units of layers 0, 2, …; columns: units of layers 1, 3, …; both in order. In a folded graph of
        two layers, a pair of units that is kept in either layer is one edge.

    Raises
    ------
    ValueError
        As in `layer_sizes`, or if the graph is not bipartite by layer parity.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (graph of a mask; it does not say which construction).

    Examples
    --------
    >>> biadjacency([np.eye(2, dtype=bool), np.ones((2, 1), dtype=bool)], "layered").astype(int)
    array([[1, 0],
           [0, 1],
           [1, 1]])
    """
    if not is_bipartite(layers, construction):
        raise ValueError(f"layers: expected an even number for the folded construction, got {len(layers)}")
    sizes = layer_sizes(layers, construction)
    starts = [sum(sizes[layer % 2 : layer : 2]) for layer in range(len(sizes))]
    edges = np.zeros((sum(sizes[0::2]), sum(sizes[1::2])), dtype=bool)  # (a, b)
    for source, mask in enumerate(layers):
        target = (source + 1) % len(sizes)
        even, odd, block = (source, target, mask) if source % 2 == 0 else (target, source, mask.T)
        edges[starts[even] : starts[even] + sizes[even], starts[odd] : starts[odd] + sizes[odd]] |= block
    return edges


def adjacency(
    layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction
) -> scipy.sparse.csr_array:
    """Symmetric adjacency matrix of the mask graph.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    construction : {"layered", "folded"}
        See the module.

    Returns
    -------
    scipy.sparse.csr_array
        Bool, shape (n, n), nodes numbered layer by layer; no loops.

    Raises
    ------
    ValueError
        As in `layer_sizes`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (graph of a mask; it does not say which construction).

    Examples
    --------
    >>> adjacency([np.array([[True, False]])], "layered").toarray().astype(int)
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]])
    """
    sizes = layer_sizes(layers, construction)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    ends = [
        (starts[source] + rows, starts[(source + 1) % len(sizes)] + columns)
        for source, mask in enumerate(layers)
        for rows, columns in [np.nonzero(mask)]
    ]
    tail, head = (np.concatenate(side) for side in zip(*ends, strict=True))
    entries = (np.concatenate([tail, head]), np.concatenate([head, tail]))
    shape = (int(starts[-1]), int(starts[-1]))
    return scipy.sparse.coo_array((np.ones(2 * tail.size, dtype=bool), entries), shape=shape).tocsr()


def to_networkx(layers: Sequence[Bool[np.ndarray, "_ _"]], construction: Construction) -> nx.Graph:
    """Return the mask graph as a networkx graph.

    The result can be written by `networkx.write_graphml`.

    Parameters
    ----------
    layers : Sequence[Bool[np.ndarray, "_ _"]]
        Masks from input to output.
    construction : {"layered", "folded"}
        See the module; it is also the graph's attribute `construction`.

    Returns
    -------
    networkx.Graph
        Nodes 0..n-1 with the integer attributes `layer` (0 for a folded output unit) and `index` (the unit's
        position in its layer). Units without edges are nodes too.

    Raises
    ------
    ValueError
        As in `layer_sizes`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470 (graph of a mask; it does not say which construction).

    Examples
    --------
    >>> graph = to_networkx([np.array([[True, False]])], "layered")
    >>> graph.nodes(data=True)[2], list(graph.edges)
    ({'layer': 1, 'index': 1}, [(0, 1)])
    """
    sizes = layer_sizes(layers, construction)
    units = [(layer, index) for layer, size in enumerate(sizes) for index in range(size)]
    graph = nx.Graph(construction=construction)
    graph.add_nodes_from((node, {"layer": unit[0], "index": unit[1]}) for node, unit in enumerate(units))
    edges = scipy.sparse.triu(adjacency(layers, construction)).tocoo()
    graph.add_edges_from(zip(edges.row.tolist(), edges.col.tolist(), strict=True))
    return graph
