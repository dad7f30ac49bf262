import math

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from interp.masks.weight_norms import relative_spread, weight_norm


def some_weights(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {
        "W_E": rng.normal(size=(30, 20)).astype(dtype),
        "W_U": (1e3 * rng.normal(size=(20, 7))).astype(dtype),
    }


def some_mask(seed=1):
    rng = np.random.default_rng(seed)
    return {name: rng.random(w.shape) < 0.4 for name, w in some_weights().items()}


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_equals_the_exact_sum(q, masked):
    weights, mask = some_weights(), some_mask() if masked else None
    values = {
        name: [float(v) for v in (w if mask is None else w[mask[name]]).flat] for name, w in weights.items()
    }
    values["global"] = [v for layer in values.values() for v in layer]
    norms = weight_norm(weights, q, mask)
    assert list(norms) == ["W_E", "W_U", "global"]
    for name, layer in values.items():
        assert norms[name] == pytest.approx(math.fsum(abs(v) ** q for v in layer) ** (1 / q), rel=1e-14)


@pytest.mark.parametrize("q", [1, 2])
def test_planted_norms(q):
    weights = {"W_E": np.full((4, 9), -0.5), "W_U": np.zeros((3, 2))}
    assert weight_norm(weights, q) == {"W_E": 0.5 * 36 ** (1 / q), "W_U": 0, "global": 0.5 * 36 ** (1 / q)}


def test_float32_is_summed_in_float64():
    small = {"W_E": np.concatenate([[1e4], np.full(100_000, 1e-4)]).astype(np.float32)}
    exact = math.fsum(float(v) ** 2 for v in small["W_E"]) ** 0.5
    assert weight_norm(small, 2)["global"] == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("q", [1, 2])
def test_masked_weights_count_as_zeros_and_order_and_sign_do_not_matter(q):
    weights, mask = some_weights(), some_mask()
    pruned = {name: np.where(mask[name], w, 0) for name, w in weights.items()}
    assert weight_norm(weights, q, mask) == weight_norm(pruned, q)
    turned = {name: -w[::-1].T for name, w in weights.items()}
    assert weight_norm(turned, q) == pytest.approx(weight_norm(weights, q), rel=1e-14)
    doubled = {name: 2 * w for name, w in weights.items()}
    assert weight_norm(doubled, q)["global"] == 2 * weight_norm(weights, q)["global"]


def test_bad_arguments_are_refused():
    weights = some_weights()
    with pytest.raises((ValueError, TypeCheckError)):
        weight_norm(weights, 3)
    with pytest.raises(ValueError, match="mask: expected the names and shapes of the weights"):
        weight_norm(weights, 1, {"W_E": np.ones((30, 20), bool)})
    with pytest.raises(ValueError, match="at least one layer"):
        weight_norm({}, 1)
    with pytest.raises(ValueError, match="no layer called 'global'"):
        weight_norm({"global": np.ones((2, 2))}, 1)


def test_spreads_of_two_are_known():
    spread = relative_spread(np.array([1.0, np.e**2]))
    assert spread["log_sd"] == pytest.approx(np.sqrt(2))
    assert spread["max_over_min"] == pytest.approx(np.e**2)
    assert spread["cv"] == pytest.approx(np.sqrt(2) * (np.e**2 - 1) / (np.e**2 + 1))


def test_spreads_ignore_unit_and_order_and_agree_where_small():
    norms = 1 + 1e-3 * np.random.default_rng(0).normal(size=50)
    spread = relative_spread(norms)
    assert relative_spread(7 * norms[::-1]) == pytest.approx(spread)
    assert spread["log_sd"] == pytest.approx(spread["cv"], rel=1e-3)
    equal = relative_spread(np.full(4, 3.0))
    assert equal == {"log_sd": 0, "cv": 0, "max_over_min": 1}
    one = relative_spread(np.array([5.0]))
    assert one["max_over_min"] == 1 and np.isnan(one["log_sd"]) and np.isnan(one["cv"])


@pytest.mark.parametrize("norms", [[], [1.0, 0.0], [1.0, -2.0], [1.0, np.inf], [np.nan]])
def test_spreads_of_non_positive_norms_are_refused(norms):
    with pytest.raises(ValueError, match="norms: expected positive numbers"):
        relative_spread(np.array(norms, dtype=float))
