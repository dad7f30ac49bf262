import networkx as nx
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from interp.graphs.expander_spectrum import expander_properties, iterative_mean_difference

FANO = np.array([[(line - point) % 7 in (0, 1, 3) for line in range(7)] for point in range(7)])


def slow_sigmas(matrix):
    """Positive eigenvalues of the bipartite graph's adjacency matrix, largest first."""
    rows, columns = matrix.shape
    adjacency = np.zeros((rows + columns, rows + columns))
    adjacency[:rows, rows:] = matrix
    adjacency[rows:, :rows] = matrix.T
    return np.sort(np.linalg.eigvalsh(adjacency))[::-1][: min(rows, columns)]


def slow_hoang_gap(mask):
    graph = nx.Graph()
    graph.add_edges_from((("l", row), ("r", column)) for row, column in np.argwhere(mask).tolist())
    mean_degree = {
        side: np.mean([degree for node, degree in graph.degree if node[0] == side]) for side in "lr"
    }
    sigma_2 = slow_sigmas(mask.astype(float))[1]
    return sum(np.sqrt(degree - 1) for degree in mean_degree.values()) - sigma_2, mean_degree


def slow_iterative_mean_difference(mask):
    gaps = []
    for degree in range(3, mask.shape[1] + 1):
        part = mask[mask.sum(axis=1) == degree]
        if len(part) >= 3:
            gap, mean_degree = slow_hoang_gap(part)
            if mean_degree["r"] >= 3:
                gaps.append(gap)
    return np.mean(gaps) if gaps else np.nan


def test_complete_bipartite():
    values = expander_properties(np.ones((4, 9), dtype=bool))
    assert values["sigma_1"] == pytest.approx(6.0, abs=1e-12)
    assert values["sigma_2"] == pytest.approx(0.0, abs=1e-12)
    assert values["spectral_gap"] == pytest.approx(6.0, abs=1e-12)
    assert values["ramanujan_gap_hoang"] == pytest.approx(np.sqrt(8) + np.sqrt(3), abs=1e-12)
    assert values["ramanujan_gap_regular"] == pytest.approx(2 * np.sqrt(72 / 13 - 1), abs=1e-12)
    assert values["density"] == 1.0


def test_heawood_graph_has_its_known_spectrum():
    values = expander_properties(FANO)
    assert values["sigma_1"] == pytest.approx(3.0, abs=1e-12)
    assert values["sigma_2"] == pytest.approx(np.sqrt(2), abs=1e-12)
    assert values["ramanujan_gap_hoang"] == pytest.approx(np.sqrt(2), abs=1e-12)
    assert values["ramanujan_gap_regular"] == pytest.approx(np.sqrt(2), abs=1e-12)
    assert values["ramanujan_gap_minegishi"] == pytest.approx(np.sqrt(5) - np.sqrt(2), abs=1e-12)
    assert values["iterative_mean_difference"] == pytest.approx(np.sqrt(2), abs=1e-12)


def test_two_separate_blocks_are_no_expander():
    values = expander_properties(np.kron(np.eye(2), np.ones((5, 5))).astype(bool))
    assert values["spectral_gap"] == pytest.approx(0.0, abs=1e-12)
    assert values["ramanujan_gap_hoang"] == pytest.approx(4.0 - 5.0, abs=1e-12)


def test_the_names_differ_in_sign():
    mask = np.kron(np.eye(2), np.ones((3, 3))).astype(bool)  # d = 3, sigma_2 = 3
    assert expander_properties(np.eye(3, dtype=bool))["ramanujan_gap_minegishi"] == pytest.approx(0.0)
    assert expander_properties(np.eye(3, dtype=bool))["ramanujan_gap_hoang"] == pytest.approx(-1.0)
    values = expander_properties(mask)
    assert values["ramanujan_gap_regular"] == pytest.approx(2 * np.sqrt(2) - 3, abs=1e-12)
    wide = np.random.default_rng(0).random((4, 60)) < 0.5
    assert (
        expander_properties(wide)["ramanujan_gap_hoang"]
        > 0
        > expander_properties(wide)["ramanujan_gap_minegishi"]
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (40, 6)])
def test_equals_the_eigenvalues_of_the_graph(seed, shape):
    rng = np.random.default_rng(seed)
    mask, weights = rng.random(shape) < 0.6, rng.standard_normal(shape)
    mask[1] = mask[:, 2] = False  # empty units on both sides
    values = expander_properties(mask, weights)
    sigmas, weighted = slow_sigmas(mask.astype(float)), slow_sigmas(mask * weights)
    np.testing.assert_allclose([values["sigma_1"], values["sigma_2"]], sigmas[:2], atol=1e-12)
    np.testing.assert_allclose(
        [values["weighted_sigma_1"], values["weighted_sigma_2"]], weighted[:2], atol=1e-12
    )
    assert values["ramanujan_gap_hoang"] == pytest.approx(slow_hoang_gap(mask)[0], abs=1e-12)
    np.testing.assert_allclose(
        iterative_mean_difference(mask), slow_iterative_mean_difference(mask), atol=1e-12
    )


def test_renaming_units_and_signs_of_a_row_change_nothing():
    rng = np.random.default_rng(1)
    mask, weights = rng.random((9, 14)) < 0.5, rng.standard_normal((9, 14))
    rows, columns, signs = rng.permutation(9), rng.permutation(14), rng.choice([-1.0, 1.0], (9, 1))
    before = expander_properties(mask, weights)
    after = expander_properties(mask[rows][:, columns], (signs * weights)[rows][:, columns])
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, atol=1e-12, err_msg=name)


def test_weighted_values_scale_with_the_weights_and_ignore_pruned_ones():
    rng = np.random.default_rng(2)
    mask = rng.random((9, 14)) < 0.5
    weights = np.where(mask, 3.0, np.nan)
    values = expander_properties(mask, weights)
    names = [name for name in values if name.startswith("weighted_")]
    assert len(names) == 6
    for name in names:
        assert values[name] == pytest.approx(3.0 * values[name.removeprefix("weighted_")], abs=1e-12)


def test_masks_without_edges_or_with_one_unit():
    values = expander_properties(np.zeros((3, 4), dtype=bool), np.ones((3, 4)))
    assert values["sigma_1"] == values["sigma_2"] == values["density"] == 0.0
    assert all(np.isnan(value) for name, value in values.items() if "gap" in name or "iterative" in name)
    assert expander_properties(np.ones((1, 4), dtype=bool))["sigma_2"] == 0.0
    assert np.isnan(iterative_mean_difference(np.eye(5, dtype=bool)))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="units on both sides"):
        expander_properties(np.ones((0, 3), dtype=bool))
    with pytest.raises(ValueError, match="finite"):
        expander_properties(np.ones((2, 2), dtype=bool), np.array([[1.0, np.nan], [1.0, 1.0]]))
    with pytest.raises((ValueError, TypeCheckError)):
        expander_properties(np.ones((2, 2)))
    with pytest.raises((ValueError, TypeCheckError)):
        expander_properties(np.ones((2, 2), dtype=bool), np.ones((2, 3)))
