import numpy as np
import pytest
from builders import random_layers
from jaxtyping import TypeCheckError

from interp.graphs.graph_measures import properties
from interp.graphs.null_models import compare_properties_with_null, compare_with_null, null_masks

SIZES = (8, 20, 6, 20, 8)


def test_density_null_keeps_the_count_of_every_layer():
    layers = random_layers(SIZES, 0.3, 0)
    for sample in null_masks(layers, np.random.default_rng(1), n=5):
        assert [int(mask.sum()) for mask in sample] == [int(mask.sum()) for mask in layers]
        assert all((mask != other).any() for mask, other in zip(sample, layers, strict=True))


def test_degree_null_keeps_the_degree_of_every_unit():
    layers = random_layers(SIZES, 0.3, 2)
    for sample in null_masks(layers, np.random.default_rng(3), n=5, kind="degree"):
        for mask, other in zip(sample, layers, strict=True):
            np.testing.assert_array_equal(mask.sum(axis=0), other.sum(axis=0))
            np.testing.assert_array_equal(mask.sum(axis=1), other.sum(axis=1))
            assert (mask != other).any()


@pytest.mark.parametrize("construction", ["layered", "folded"])
@pytest.mark.parametrize("kind", ["density", "degree"])
def test_mean_and_spread_equal_those_over_the_drawn_masks(construction, kind):
    layers = random_layers(SIZES, 0.3, 4)
    null = compare_properties_with_null(layers, construction, np.random.default_rng(5), n=6, kind=kind)
    samples = [
        properties(m, construction) for m in null_masks(layers, np.random.default_rng(5), n=6, kind=kind)
    ]
    observed = properties(layers, construction)
    assert list(null) == list(observed)
    for name in ("average_path_length", "latapy_clustering", "global_efficiency"):
        drawn = [sample[name] for sample in samples]
        assert null[name].observed == observed[name] and null[name].n == 6
        assert null[name].mean == pytest.approx(np.mean(drawn), abs=1e-14)
        assert null[name].sd == pytest.approx(np.std(drawn, ddof=1), abs=1e-14)
        assert null[name].z == pytest.approx((observed[name] - np.mean(drawn)) / np.std(drawn, ddof=1))


def test_z_of_properties_that_a_null_model_fixes_is_nan():
    layers = random_layers(SIZES, 0.3, 6)
    by_degree = compare_properties_with_null(layers, "folded", np.random.default_rng(0), n=4, kind="degree")
    for name in ("n_nodes", "n_edges", "degree_mean", "degree_cv", "degree_max", "isolated_fraction"):
        assert by_degree[name].sd == 0.0 and by_degree[name].mean == by_degree[name].observed
        assert np.isnan(by_degree[name].z)
    by_density = compare_properties_with_null(layers, "folded", np.random.default_rng(0), n=4)
    assert by_density["n_edges"].sd == 0.0 and by_density["degree_cv"].sd > 0


def test_a_random_mask_is_typical_and_a_planted_block_is_not():
    sizes = (20, 60, 20)
    typical = compare_properties_with_null(random_layers(sizes, 0.3, 7), "layered", np.random.default_rng(8))
    assert abs(typical["latapy_clustering"].z) < 4
    block = np.kron(np.eye(2), np.ones((10, 30))).astype(bool)
    planted = compare_properties_with_null(
        [block, block.T], "layered", np.random.default_rng(8), kind="degree"
    )
    assert planted["latapy_clustering"].z > 20
    assert planted["reachable_fraction"].observed == pytest.approx(2 * 50 * 49 / (100 * 99))
    assert planted["reachable_fraction"].mean == 1.0


def test_renaming_units_leaves_the_observed_values():
    layers = random_layers(SIZES, 0.3, 9)
    order = np.random.default_rng(10).permutation(20)
    renamed = [layers[0][:, order], layers[1][order], *layers[2:]]
    for name, comparison in compare_properties_with_null(
        layers, "layered", np.random.default_rng(0), n=2
    ).items():
        other = compare_properties_with_null(renamed, "layered", np.random.default_rng(0), n=2)[name]
        np.testing.assert_allclose(other.observed, comparison.observed, rtol=1e-12)


def test_undefined_samples_are_left_out_and_counted():
    nan = np.nan
    comparison = compare_with_null(
        {"x": 1.0, "y": nan, "z": 2.0},
        [{"x": 0.0, "y": 1.0, "z": nan}] * 2 + [{"x": nan, "y": 3.0, "z": nan}],
    )
    assert (comparison["x"].n, comparison["x"].mean, comparison["x"].sd) == (2, 0.0, 0.0) and np.isnan(
        comparison["x"].z
    )
    assert comparison["y"].n == 3 and comparison["y"].sd > 0 and np.isnan(comparison["y"].z)
    assert (
        comparison["z"].n == 0
        and np.isnan([comparison["z"].mean, comparison["z"].sd, comparison["z"].z]).all()
    )
    single = compare_with_null({"x": 1.0}, [{"x": 0.5}, {"x": nan}])["x"]
    assert (single.mean, single.n) == (0.5, 1) and np.isnan(single.sd)


def test_equal_samples_have_a_spread_of_exactly_zero():
    third = compare_with_null({"x": 0.1}, [{"x": 0.1}] * 3)["x"]
    assert third.sd == 0.0 and third.mean == 0.1


def test_wrong_settings_are_refused():
    layers, rng = random_layers(SIZES, 0.3, 0), np.random.default_rng(0)
    with pytest.raises(ValueError, match="n:"):
        compare_properties_with_null(layers, "layered", rng, n=1)
    with pytest.raises((ValueError, TypeCheckError)):
        compare_properties_with_null(layers, "layered", rng, kind="weights")
    with pytest.raises(ValueError, match="rows"):
        compare_properties_with_null([layers[0], layers[0]], "layered", rng)
    with pytest.raises(ValueError, match="at least 2"):
        compare_with_null({"x": 1.0}, [{"x": 1.0}])
    with pytest.raises(ValueError, match="names"):
        compare_with_null({"x": 1.0}, [{"x": 1.0}, {"y": 1.0}])
