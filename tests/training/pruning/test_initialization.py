import numpy as np
import pytest

from training.models.embed_mlp.architecture import EmbedMLP
from training.models.implementation import normal_init
from training.pruning.initialization import norm_ratio
from training.pruning.registry import STARTS

SHAPES = {"W_E": (40, 30), "W_in": (30, 50), "W_U": (50, 20)}
NORMS = ("norm_l1", "norm_l2")


def theta_0(kappa=1.0, seed=0):
    return {name: w.numpy() for name, w in normal_init(EmbedMLP(init_scale=kappa), SHAPES, seed).items()}


def some_mask(seed=3):
    rng = np.random.default_rng(seed)
    shares = zip(SHAPES.items(), (0.6, 0.2, 0.4), strict=True)
    return {name: rng.random(shape) < share for (name, shape), share in shares}


def begin(name, initial=None, mask=None, seed=0, kappa=1.0, scope="global"):
    initial, mask = initial or theta_0(), mask or some_mask()
    deviation = EmbedMLP(init_scale=kappa).deviation
    return STARTS[name].start(initial, mask, np.random.default_rng(seed), deviation, scope)


@pytest.mark.parametrize("name", STARTS)
def test_starts_have_the_shapes_and_types_of_theta_0_and_leave_inputs_unchanged(name):
    initial, mask = theta_0(), some_mask()
    before = (
        {key: w.copy() for key, w in initial.items()},
        {key: is_kept.copy() for key, is_kept in mask.items()},
    )
    weights = begin(name, initial, mask)
    assert {key: (w.shape, w.dtype) for key, w in weights.items()} == {
        key: (w.shape, w.dtype) for key, w in initial.items()
    }
    assert list(weights) == list(initial)
    for w in weights.values():
        w[:] = 7  # and it is no view
    assert all((initial[key] == before[0][key]).all() for key in initial)
    assert all((mask[key] == before[1][key]).all() for key in mask)


@pytest.mark.parametrize("name", STARTS)
def test_only_random_starts_depend_on_the_generator(name):
    a, again, other = begin(name), begin(name), begin(name, seed=1)
    assert all(np.array_equal(a[key], again[key]) for key in a)
    assert any((a[key] != other[key]).any() for key in a) == (name in ("random_reinit", "reshuffle"))


def test_rewind_is_theta_0():
    assert all(np.array_equal(w, theta_0()[name]) for name, w in begin("rewind").items())


@pytest.mark.parametrize("kappa", [1.0, 3.0])
def test_random_reinit_has_the_distribution_of_theta_0_and_other_values(kappa):
    initial, mask = theta_0(kappa), some_mask()
    for name, w in begin("random_reinit", initial, mask, kappa=kappa).items():
        sigma = kappa / np.sqrt(w.shape[0])
        assert abs(w.mean()) < 5 * sigma / np.sqrt(w.size)
        assert w.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * w.size))
        assert abs(np.corrcoef(w.ravel(), initial[name].ravel())[0, 1]) < 5 / np.sqrt(w.size)


def test_reshuffle_permutes_kept_values_within_their_layer():
    initial, mask = theta_0(), some_mask()
    for name, w in begin("reshuffle", initial, mask).items():
        is_kept = mask[name]
        assert np.array_equal(np.sort(w[is_kept]), np.sort(initial[name][is_kept]))
        assert (w[is_kept] != initial[name][is_kept]).mean() > 0.9
        assert np.array_equal(w[~is_kept], initial[name][~is_kept])


def test_signed_constant_has_theta_0s_signs_and_one_size_per_layer():
    initial = theta_0()
    initial["W_E"][0, 0] = 0
    for name, w in begin("signed_constant", initial).items():
        values = [float(v) for v in initial[name].ravel()]
        mean = sum(values) / len(values)
        sigma = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        slow = [sigma * ((v > 0) - (v < 0)) for v in values]
        np.testing.assert_allclose(w.ravel(), slow, rtol=1e-6)


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("scope", ["global", "mean_per_tensor"])
def test_norm_controls_are_a_multiple_of_theta_0_with_the_tickets_norm(q, scope):
    initial, mask = theta_0(), some_mask()

    def norm(values):
        return sum(abs(float(v)) ** q for v in values) ** (1 / q)

    if scope == "global":
        ticket = norm(v for name, w in initial.items() for v in w[mask[name]])
        ratio = ticket / norm(v for w in initial.values() for v in w.flat)
    else:
        ratio = np.mean([norm(w[mask[name]]) / norm(w.flat) for name, w in initial.items()])
    assert norm_ratio(initial, mask, q, scope) == pytest.approx(ratio, rel=1e-12)
    weights = begin(f"norm_l{q}", initial, mask, scope=scope)
    for name, w in weights.items():
        np.testing.assert_allclose(w, ratio * initial[name], rtol=1e-6)
    if scope == "global":
        assert norm(v for w in weights.values() for v in w.flat) == pytest.approx(ticket, rel=1e-6)


def test_the_two_scopes_differ_for_several_layers_and_agree_for_one():
    initial, mask = theta_0(), some_mask()
    assert abs(norm_ratio(initial, mask, 1) - norm_ratio(initial, mask, 1, "mean_per_tensor")) > 0.01
    one, its = {"W_E": initial["W_E"]}, {"W_E": mask["W_E"]}
    assert norm_ratio(one, its, 2) == pytest.approx(norm_ratio(one, its, 2, "mean_per_tensor"), rel=1e-14)


@pytest.mark.parametrize("scope", ["global", "mean_per_tensor"])
def test_ratios_of_known_value(scope):
    rng = np.random.default_rng(0)
    initial = {name: rng.standard_normal((600, 500)) for name in ("W_0", "W_1")}
    chance = {name: rng.random(w.shape) < 0.4 for name, w in initial.items()}
    assert norm_ratio(initial, chance, 1, scope) == pytest.approx(0.4, abs=0.005)
    assert norm_ratio(initial, chance, 2, scope) == pytest.approx(np.sqrt(0.4), abs=0.005)
    # The largest 40 % of a normal law, beyond c = 0.8416: exp(−c²/2) and √(0.4 + 2cφ(c)).
    largest = {name: abs(w) > 0.8416 for name, w in initial.items()}
    assert norm_ratio(initial, largest, 1, scope) == pytest.approx(0.7018, abs=0.005)
    assert norm_ratio(initial, largest, 2, scope) == pytest.approx(0.9334, abs=0.005)
    everything = {name: np.ones(w.shape, bool) for name, w in initial.items()}
    assert norm_ratio(initial, everything, 1, scope) == 1


@pytest.mark.parametrize("name", STARTS)
def test_a_mask_of_another_network_is_refused(name):
    other = some_mask() | {"W_U": np.ones((2, 2), bool)}
    with pytest.raises(ValueError, match="mask: expected the names and shapes of the weights"):
        begin(name, mask=other)


def test_ratios_of_zero_weights_are_refused():
    initial, mask = theta_0(), some_mask()
    zero = initial | {"W_in": np.zeros_like(initial["W_in"])}
    with pytest.raises(ValueError, match="initial: expected a weight other than zero"):
        norm_ratio(zero, mask, 1, "mean_per_tensor")
    assert norm_ratio(zero, mask, 1) > 0
