import networkx as nx
import numpy as np
import pytest
from builders import random_layers
from jaxtyping import TypeCheckError

from interp.graphs.graph_measures import properties
from interp.graphs.mask_graph import adjacency, biadjacency, to_networkx
from interp.graphs.path_lengths import bipartite_distance_counts, distance_counts, symmetric_product_blocks

RING4 = (9, 14, 5, 11, 9)


def slow_properties(layers, construction):
    graph = to_networkx(layers, construction)
    n = graph.number_of_nodes()
    lengths = [
        n_steps
        for node, reached in nx.all_pairs_shortest_path_length(graph)
        for other, n_steps in reached.items()
        if other > node
    ]
    degrees = [degree for _, degree in graph.degree]
    parity_splits = all((graph.nodes[u]["layer"] - graph.nodes[v]["layer"]) % 2 for u, v in graph.edges) and (
        construction == "layered" or len(layers) % 2 == 0
    )
    return {
        "n_nodes": n,
        "n_edges": graph.number_of_edges(),
        "average_path_length": sum(lengths) / len(lengths) if lengths else np.nan,
        "reachable_fraction": len(lengths) / (n * (n - 1) / 2),
        "largest_component": max(map(len, nx.connected_components(graph))),
        "global_efficiency": nx.global_efficiency(graph),
        "average_clustering": nx.average_clustering(graph),
        "latapy_clustering": (
            sum(nx.bipartite.latapy_clustering(graph, mode="dot").values()) / n if parity_splits else np.nan
        ),
        "robins_alexander_clustering": (
            nx.bipartite.robins_alexander_clustering(graph) if parity_splits else np.nan
        ),
        "degree_mean": np.mean(degrees),
        "degree_variance": np.var(degrees),
        "degree_cv": np.std(degrees) / np.mean(degrees) if any(degrees) else np.nan,
        "degree_max": max(degrees),
        "isolated_fraction": nx.number_of_isolates(graph) / n,
    }


def assert_equal_to_slow(layers, construction):
    values, slow = properties(layers, construction), slow_properties(layers, construction)
    assert set(values) - set(slow) == {"dead_units", "input_output_reachability"}
    for name, value in slow.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("share", [0.02, 0.06, 0.12, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "sizes, construction",
    [
        (RING4, "layered"),
        (RING4, "folded"),
        ((8, 20, 8), "folded"),
        ((12, 7, 9, 12), "folded"),
        ((6, 5, 7, 4, 5, 6), "folded"),
        ((30, 3), "layered"),
        ((1, 1), "layered"),
    ],
)
def test_equals_networkx(sizes, construction, share, seed):
    assert_equal_to_slow(random_layers(sizes, share, seed), construction)


@pytest.mark.parametrize("construction", ["layered", "folded"])
@pytest.mark.parametrize("share", [0.01, 0.05])
def test_equals_networkx_beyond_one_block_of_rows(construction, share):
    assert_equal_to_slow(random_layers((25, 90, 12, 80, 25), share, 5), construction)


@pytest.mark.parametrize("construction", ["layered", "folded"])
def test_equals_networkx_with_empty_layers_and_dead_units(construction):
    layers = random_layers(RING4, 0.3, 7)
    layers[1][:, 2] = layers[2][2] = False
    layers[0][:, :4] = False
    assert_equal_to_slow(layers, construction)
    layers[2][:] = False
    assert_equal_to_slow(layers, construction)
    empty = [np.zeros_like(mask) for mask in layers]
    assert_equal_to_slow(empty, construction)
    assert properties(empty, construction)["largest_component"] == 1
    assert properties(empty, construction)["dead_units"] == 14 + 5 + 11


def test_complete_chain():
    values = properties([np.ones((3, 5), dtype=bool), np.ones((5, 2), dtype=bool)], "layered")
    # layers 0 and 2 against layer 1: complete bipartite K(5, 5), 25 pairs at one hop, 20 at two
    assert values["average_path_length"] == pytest.approx((25 + 40) / 45, abs=1e-15)
    assert values["global_efficiency"] == pytest.approx((25 + 10) / 45, abs=1e-15)
    assert values["latapy_clustering"] == values["robins_alexander_clustering"] == 1.0
    assert values["average_clustering"] == values["dead_units"] == values["isolated_fraction"] == 0.0
    assert values["degree_mean"] == values["degree_max"] == 5.0 and values["degree_cv"] == 0.0
    assert values["input_output_reachability"] == values["reachable_fraction"] == 1.0


def test_path_of_many_layers():
    n = 12
    values = properties([np.ones((1, 1), dtype=bool)] * (n - 1), "layered")
    assert values["average_path_length"] == pytest.approx((n + 1) / 3, abs=1e-14)
    assert values["global_efficiency"] == pytest.approx(
        sum((n - d) / d for d in range(1, n)) / (n * (n - 1) / 2), abs=1e-14
    )
    assert values["robins_alexander_clustering"] == 0.0


@pytest.mark.parametrize("n", [4, 7, 12])
def test_folded_path_is_a_ring(n):
    values = properties([np.ones((1, 1), dtype=bool)] * n, "folded")
    ring_distances = [min(d, n - d) for d in range(1, n)]
    assert values["n_nodes"] == values["n_edges"] == values["largest_component"] == n
    assert values["average_path_length"] == pytest.approx(sum(ring_distances) / (n - 1), abs=1e-14)
    assert values["degree_variance"] == 0.0


def test_folded_triangles_are_counted():
    values = properties(
        [np.ones((2, 2), dtype=bool)] * 3, "folded"
    )  # K(2, 2, 2): 4 neighbours, 4 of 6 joined
    assert values["average_clustering"] == pytest.approx(4 / 6, abs=1e-15)
    assert np.isnan(values["latapy_clustering"])


def test_separate_components():
    values = properties([np.eye(4, dtype=bool)], "layered")
    assert values["reachable_fraction"] == pytest.approx(4 / 28)
    assert values["average_path_length"] == 1.0
    assert values["largest_component"] == 2
    assert values["input_output_reachability"] == 0.25


@pytest.mark.parametrize("construction", ["layered", "folded"])
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_renaming_units_changes_nothing(construction, share):
    layers = random_layers(RING4, share, 11)
    rng = np.random.default_rng(12)
    orders = [rng.permutation(size) for size in RING4]
    orders[-1] = orders[0]  # an output residue is renamed with its input
    renamed = [mask[orders[place]][:, orders[place + 1]] for place, mask in enumerate(layers)]
    before, after = properties(layers, construction), properties(renamed, construction)
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=1e-12, err_msg=name)


def test_reading_the_network_backwards_changes_nothing():
    layers = random_layers(RING4, 0.2, 13)
    backwards = [mask.T for mask in reversed(layers)]
    for construction in ("layered", "folded"):
        before, after = properties(layers, construction), properties(backwards, construction)
        for name, value in before.items():
            np.testing.assert_allclose(after[name], value, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4])
def test_both_ways_of_counting_distances_agree(share):
    layers = random_layers((10, 70, 6, 80, 10), share, 14)
    edges = biadjacency(layers, "folded")
    linked = edges[edges.any(axis=1)][:, edges.any(axis=0)].astype(np.float32)
    near = np.count_nonzero(linked.T @ linked, axis=1)
    counts, sizes = bipartite_distance_counts(linked, linked @ linked.T > 0, near)
    any_counts, any_sizes = distance_counts(adjacency(layers, "folded").toarray())
    np.testing.assert_array_equal(counts, any_counts)
    assert sorted(sizes) == sorted(any_sizes[any_sizes > 1])


def test_blocks_tile_the_upper_triangle():
    matrix = np.random.default_rng(0).integers(0, 2, (5, 150)).astype(np.float32)
    product, filled = matrix.T @ matrix, np.full((150, 150), np.nan, dtype=np.float32)
    for rows, rows_after, block in symmetric_product_blocks(matrix, matrix):
        filled[rows, rows.start :] = block
        filled[rows_after, rows] = block[:, len(block) :].T
    np.testing.assert_array_equal(filled, product)


def test_wrong_masks_are_refused():
    square = np.ones((2, 2), dtype=bool)
    with pytest.raises(ValueError, match="at least one mask"):
        properties([], "layered")
    with pytest.raises(ValueError, match="expected 2 rows"):
        properties([square, np.ones((3, 2), dtype=bool)], "folded")
    with pytest.raises((ValueError, TypeCheckError)):
        properties([np.array([[1.0, np.nan]])], "layered")
