import networkx as nx
import numpy as np
import pytest
from builders import random_layers
from jaxtyping import TypeCheckError

from interp.graphs.mask_graph import adjacency, biadjacency, is_bipartite, layer_sizes, to_networkx
from interp.graphs.reachability import count_dead_units, live_units, reachable_outputs


def slow_graph(layers, construction):
    """Mask graph built edge by edge, with nodes (layer, index)."""
    last = 0 if construction == "folded" else len(layers)
    graph = nx.Graph()
    for place, mask in enumerate(layers):
        target = last if place == len(layers) - 1 else place + 1
        graph.add_nodes_from((place, row) for row in range(mask.shape[0]))
        graph.add_nodes_from((target, column) for column in range(mask.shape[1]))
        for row, column in np.argwhere(mask).tolist():
            graph.add_edge((place, row), (target, column))
    return graph


CASES = [
    ((4, 6, 3, 5, 4), "layered"),
    ((4, 6, 3, 5, 4), "folded"),
    ((4, 6, 3, 4), "folded"),
    ((4, 6, 4), "folded"),
    ((4, 6), "layered"),
    ((4, 6, 3, 2, 5, 4), "folded"),
]


@pytest.mark.parametrize("sizes, construction", CASES)
@pytest.mark.parametrize("share", [0.0, 0.2, 0.7, 1.0])
def test_graph_has_exactly_the_edges_of_the_masks(sizes, construction, share):
    layers = random_layers(sizes, share, 0)
    slow, graph = slow_graph(layers, construction), to_networkx(layers, construction)
    names = {node: (data["layer"], data["index"]) for node, data in graph.nodes(data=True)}
    assert set(names.values()) == set(slow.nodes) and len(names) == slow.number_of_nodes()
    assert {frozenset((names[u], names[v])) for u, v in graph.edges} == set(map(frozenset, slow.edges))
    dense = adjacency(layers, construction).toarray()
    np.testing.assert_array_equal(dense, nx.to_numpy_array(graph, nodelist=sorted(graph)) > 0)
    if is_bipartite(layers, construction):
        parity = np.array([names[node][0] % 2 for node in sorted(names)])
        np.testing.assert_array_equal(biadjacency(layers, construction), dense[parity == 0][:, parity == 1])
        assert nx.is_bipartite(graph)


@pytest.mark.parametrize(
    "n_layers, triangles, bipartite", [(2, 0, True), (3, 27, False), (4, 0, True), (5, 0, False)]
)
def test_only_three_folded_layers_have_triangles(n_layers, triangles, bipartite):
    layers = [np.ones((3, 3), dtype=bool)] * n_layers  # no mask has more edges than the complete one
    graph = to_networkx(layers, "folded")
    assert sum(nx.triangles(graph).values()) // 3 == triangles
    assert nx.is_bipartite(graph) == is_bipartite(layers, "folded") == bipartite


def test_export_to_graphml_reads_back():
    layers = random_layers((3, 4, 3), 0.6, 1)
    graph = to_networkx(layers, "folded")
    back = nx.parse_graphml("\n".join(nx.generate_graphml(graph)), node_type=int)
    assert dict(back.nodes(data=True)) == dict(graph.nodes(data=True))
    assert nx.utils.edges_equal(graph.edges, back.edges)
    assert back.graph["construction"] == "folded"


@pytest.mark.parametrize("seed", range(6))
def test_paths_agree_with_networkx(seed):
    layers = random_layers((4, 7, 3, 6, 5), (0.1, 0.2, 0.35)[seed % 3], seed)
    forward = nx.DiGraph(slow_graph(layers, "layered").to_directed())
    forward.remove_edges_from([(u, v) for u, v in forward.edges if u[0] > v[0]])
    inputs, outputs = ([(layer, i) for i in range(size)] for layer, size in ((0, 4), (4, 5)))
    reach = [[nx.has_path(forward, source, target) for target in outputs] for source in inputs]
    np.testing.assert_array_equal(reachable_outputs(layers), reach)
    for layer, units in enumerate(live_units(layers)):
        for index, live in enumerate(units.tolist()):
            node = (layer, index)
            assert live == (
                any(nx.has_path(forward, source, node) for source in inputs)
                and any(nx.has_path(forward, node, target) for target in outputs)
            )
    assert count_dead_units(layers) == sum(int((~units).sum()) for units in live_units(layers)[1:-1])


def test_death_spreads_along_the_chain():
    ones, nothing = np.ones((2, 2), dtype=bool), np.zeros((2, 2), dtype=bool)
    assert count_dead_units([ones, ones, ones]) == 0
    assert count_dead_units([ones, nothing, ones]) == 4
    assert not reachable_outputs([ones, nothing, ones]).any()
    one_way = np.array([[True, False], [False, False]])
    assert count_dead_units([ones, one_way, ones, ones]) == 2
    assert count_dead_units([one_way]) == 0


def test_renaming_hidden_units_changes_no_path():
    layers = random_layers((4, 7, 5, 4), 0.25, 3)
    rng = np.random.default_rng(4)
    first, second = rng.permutation(7), rng.permutation(5)
    renamed = [layers[0][:, first], layers[1][first][:, second], layers[2][second]]
    np.testing.assert_array_equal(reachable_outputs(layers), reachable_outputs(renamed))
    assert count_dead_units(layers) == count_dead_units(renamed)


@pytest.mark.parametrize("call", [layer_sizes, is_bipartite, adjacency, biadjacency, to_networkx])
def test_masks_that_are_no_chain_are_refused(call):
    square = np.ones((2, 2), dtype=bool)
    with pytest.raises(ValueError, match="at least one mask"):
        call([], "layered")
    with pytest.raises(ValueError, match=r"layers\[1\]: expected 2 rows"):
        call([square, np.ones((3, 2), dtype=bool)], "layered")
    with pytest.raises(ValueError, match="with units"):
        call([np.ones((2, 0), dtype=bool)], "layered")
    with pytest.raises((ValueError, TypeCheckError)):
        call([np.ones((2, 2))], "layered")
    with pytest.raises((ValueError, TypeCheckError)):
        call([square], "relational")
    with pytest.raises(ValueError, match="at least two"):
        call([square], "folded")
    with pytest.raises(ValueError, match="as many outputs as inputs"):
        call([square, np.ones((2, 3), dtype=bool)], "folded")


def test_biadjacency_needs_an_even_ring():
    with pytest.raises(ValueError, match="even number"):
        biadjacency([np.ones((2, 2), dtype=bool)] * 3, "folded")
