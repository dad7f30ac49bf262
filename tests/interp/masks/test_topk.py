import math
from fractions import Fraction

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from interp.masks.topk import check_layers, density, keep_count, keep_top, keep_top_globally, magnitude_mask


def slow_keep_top(scores, count):
    ranked = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    mask = np.zeros(len(scores), dtype=bool)
    mask[ranked[:count]] = True
    return mask


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 48, 115_000, 33_499, 10_000_000])
def test_keep_count_is_exact_for_decimal_densities(n):
    for thousandths in range(1, 1001):
        exact = Fraction(thousandths, 1000)
        expected = n - math.floor((1 - exact) * n)
        assert keep_count(n, thousandths / 1000) == expected
        assert keep_count(n, 1 - (1000 - thousandths) / 1000) == expected  # a density got from a sparsity


def test_keep_count_at_the_papers_size():
    assert keep_count(115_000, 0.4) == keep_count(115_000, 1 - 0.6) == 46_000
    assert (1 - 0.4) * 115_000 == 69_000
    assert keep_count(115_000, 1e-9) == 1
    assert keep_count(0, 0.5) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_keep_top_equals_a_stable_sort_with_many_ties(seed, dtype):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-3, 4, size=101).astype(dtype)
    scores[rng.random(101) < 0.2] = -np.inf
    for share in (0.01, 0.1, 1 / 3, 0.5, 0.7):
        np.testing.assert_array_equal(keep_top(scores, share), slow_keep_top(scores, keep_count(101, share)))


def test_keep_top_handles_constants_signed_zeros_and_infinity():
    np.testing.assert_array_equal(keep_top(np.zeros(5), 0.4), [True, True, False, False, False])
    np.testing.assert_array_equal(keep_top(np.array([-0.0, 0.0, -0.0]), 0.3), [True, False, False])
    np.testing.assert_array_equal(keep_top(np.array([1.0, np.inf, 2.0]), 0.3), [False, True, False])
    assert keep_top(np.array([3.0, -1.0]), 1.0).all()
    assert keep_top(np.zeros(0), 0.5).size == 0


def test_keep_top_follows_a_permutation_of_distinct_scores():
    rng = np.random.default_rng(0)
    scores, order = rng.random(200), rng.permutation(200)
    np.testing.assert_array_equal(keep_top(scores[order], 0.3), keep_top(scores, 0.3)[order])


def test_keep_top_refuses_nan_and_revival():
    with pytest.raises(ValueError, match="NaN"):
        keep_top(np.array([1.0, np.nan]), 0.5)
    with pytest.raises(ValueError, match="only 1 are not pruned"):
        keep_top(np.array([1.0, -np.inf, -np.inf]), 0.5)
    with pytest.raises(ValueError, match="only 1 are not pruned"):
        keep_top(np.array([1.0, -np.inf]), 1.0)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.0001, float("nan")])
def test_density_outside_its_range_is_refused(share):
    with pytest.raises(ValueError, match="density"):
        keep_count(10, share)
    with pytest.raises(ValueError, match="density"):
        keep_top(np.ones(10), share)


def test_negative_count_is_refused():
    with pytest.raises(ValueError, match="n:"):
        keep_count(-1, 0.5)


def test_global_magnitude_is_one_threshold_and_layerwise_is_many():
    rng = np.random.default_rng(1)
    weights = {"W_E": rng.standard_normal((6, 9)), "W_in": 10 * rng.standard_normal((9, 4))}
    mask = magnitude_mask(weights, 0.4)
    kept_sizes = np.concatenate([np.abs(weights[name][layer]) for name, layer in mask.items()])
    lost = np.concatenate([np.abs(weights[name][~layer]) for name, layer in mask.items()])
    assert kept_sizes.size == keep_count(90, 0.4) and kept_sizes.min() > lost.max()
    assert density(mask)["W_in"] > density(mask)["W_E"]
    per_layer = magnitude_mask(weights, 0.4, scope="layer")
    assert [int(layer.sum()) for layer in per_layer.values()] == [keep_count(54, 0.4), keep_count(36, 0.4)]
    assert [layer.shape for layer in mask.values()] == [(6, 9), (9, 4)]


def test_magnitude_ignores_signs_and_breaks_ties_by_order():
    rng = np.random.default_rng(2)
    weights = {"W_E": rng.standard_normal((5, 5)), "W_U": rng.standard_normal((5, 3))}
    flipped = {name: -weight for name, weight in weights.items()}
    for name, layer in magnitude_mask(weights, 0.3).items():
        np.testing.assert_array_equal(layer, magnitude_mask(flipped, 0.3)[name])
    equal = magnitude_mask({"b": np.ones((2, 2)), "a": -np.ones((2, 2))}, 0.5)
    assert equal["b"].all() and not equal["a"].any()


def test_magnitude_refuses_wrong_input():
    with pytest.raises(ValueError, match="NaN"):
        magnitude_mask({"W_E": np.array([[np.nan, 1.0]])}, 0.5)
    with pytest.raises(ValueError, match="at least one layer"):
        magnitude_mask({}, 0.5)
    with pytest.raises((ValueError, TypeCheckError)):
        magnitude_mask({"W_E": np.ones((2, 2))}, 0.5, scope="neuron")


def test_density_weighs_layers_by_size():
    mask = {"W_E": np.ones((2, 3), dtype=bool), "W_U": np.zeros((3, 4), dtype=bool)}
    assert density(mask) == {"W_E": 1.0, "W_U": 0.0, "global": 6 / 18}


def test_layers_of_a_mask_are_checked():
    with pytest.raises(ValueError, match="global"):
        density({"global": np.ones(3, dtype=bool)})
    with pytest.raises(ValueError, match="W_U"):
        check_layers({"W_E": np.ones(1), "W_U": np.ones((0, 3))})
    with pytest.raises(ValueError, match="at least one"):
        keep_top_globally({}, 0.5)
