"""Blow-up times, rules and matches against slow computations."""

import numpy as np
import pytest
from scipy.integrate import quad

from interp.dynamics.decoupled_flow import gradient_flow, invariants
from interp.dynamics.frequency_competition import simulate_competition
from interp.dynamics.frequency_lottery import (
    LOTTERY_RULES,
    blowup_time,
    match_frequencies,
    predicted_frequency,
)

P = 23


def components(alpha, beta, D):
    alpha, beta, D = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (alpha, beta, D)))
    return alpha + 0j, beta * np.exp(-1j * D)


def random_components(*shape, seed=0):
    z = np.random.default_rng(seed).normal(scale=0.02, size=(4, *shape))
    return z[0] + 1j * z[1], z[2] + 1j * z[3]


def quadrature(u, v, p):
    """Blow-up time as an integral over w.

    The substitution w = end + s^2 removes the square-root singularities at the ends.
    """
    (c1,), (c2,) = invariants(np.array([u]), np.array([v]))
    roots = np.roots([4, 4 * c1, c1**2, -(c2**2)])
    turning = max(z.real for z in roots if abs(z.imag) < 1e-9 * abs(u) ** 2)
    others = [z for z in roots if z.real != turning]
    assert len(others) == 2

    def integrand(s):
        return 2 / (2 * p * np.sqrt((4 * np.prod([turning + s**2 - z for z in others])).real))

    def between(a, b):
        return quad(integrand, a, b, limit=400, epsabs=0, epsrel=1e-12)[0]

    start = np.sqrt(max(abs(v) ** 2 - turning, 0))
    far = start + abs(u) + abs(v)
    beyond = quad(lambda x: integrand(1 / x) / x**2, 0, 1 / far, epsabs=0, epsrel=1e-12)[0]
    inward = (u * u * np.conj(v)).real < 0
    return between(start, far) + beyond + (2 * between(0, start) if inward else 0)


def ends(u, v):
    """Blow-up time of one component by integrating the flow."""
    return gradient_flow(u, v, P, np.array([1e6]), growth=1e5).blowup_time


# blowup_time


@pytest.mark.parametrize("D", [0.3, 1.2, 1.5, -1.5, 1.7, 2.5, -2.5, 3.0])
@pytest.mark.parametrize("ratio", [0.2, 1.0, np.sqrt(2), 5.0])
def test_closed_form_is_the_integral(ratio, D):
    u, v = components(0.02 * ratio, 0.02, D)
    assert blowup_time(u, v, P)[0] == pytest.approx(quadrature(u[0], v[0], P), rel=1e-8)


def test_closed_form_is_where_the_flow_blows_up():
    u, v = random_components(5, seed=6)
    expected = [ends(u[[i]], v[[i]]) for i in range(len(u))]
    assert ((u * u * np.conj(v)).real < 0).any() and ((u * u * np.conj(v)).real > 0).any()
    np.testing.assert_allclose(blowup_time(u, v, P), expected, rtol=1e-8)
    slow = gradient_flow(u[[0]], v[[0]], P, np.array([1e9]), mean_loss=True).blowup_time
    assert blowup_time(u[[0]], v[[0]], P, mean_loss=True)[0] == pytest.approx(slow, rel=1e-8)


def test_known_times():
    beta = 0.02
    aligned = blowup_time(*components(np.sqrt(2) * beta, beta, 0), P)[0]
    assert aligned == pytest.approx(1 / (2 * P * beta), rel=1e-12)
    # beta = 0: c2 = 0, w' = 2p (2w + alpha^2) sqrt(w), beta = alpha tan(sqrt 2 p alpha t) / sqrt 2.
    assert blowup_time(*components(beta, 0, 0), P)[0] == pytest.approx(
        np.pi / (2 * np.sqrt(2) * P * beta), rel=1e-12
    )


@pytest.mark.parametrize("alpha", 10.0 ** np.arange(-14, 3))
def test_aligned_and_opposed_components_are_elementary(alpha):
    """Blow-up times where the integral is elementary.

    With c2 = 0, T is the integral of db / (p (2b^2 + c1)), an arctangent or a logarithm.
    """
    beta = 0.02
    if alpha**2 > 2 * beta**2:
        s = np.sqrt(alpha**2 / 2 - beta**2)
        outward, inward = (np.pi / 2 - np.arctan(beta / s)) / (2 * P * s), np.arctan(beta / s) / (2 * P * s)
        expected = [outward, outward + 2 * inward]
    else:
        s = np.sqrt(beta**2 - alpha**2 / 2)
        expected = [np.log(2 * ((beta + s) / alpha) ** 2) / (4 * P * s), np.inf]
    u, v = np.full(2, alpha + 0j), np.array([beta, -beta + 0j])
    np.testing.assert_allclose(blowup_time(u, v, P), expected, rtol=1e-12)


def test_an_output_of_zero_grows_at_once():
    u, v = components(0.02, 0, 0)
    u = u * np.exp(0.7j)
    assert blowup_time(u, v, P)[0] == pytest.approx(ends(u, v), rel=1e-8)


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 0.02])
def test_neurons_without_input_never_blow_up(alpha):
    times = blowup_time(*components([0.0, 0.0, alpha], [0.02, 0.0, 0.02], [0.4, 0.0, 0.0]), P)
    assert times[:2].tolist() == [np.inf, np.inf] and not np.isnan(times).any()


@pytest.mark.parametrize(("alpha", "finite"), [(0.01, False), (0.02, False), (0.03, True), (0.2, True)])
def test_exactly_opposed(alpha, finite):
    """Opposed components, which blow up only if alpha^2 > 2 beta^2.

    beta then passes through zero and becomes aligned; otherwise alpha goes to zero first.
    """
    u, v = np.array([alpha + 0j]), np.array([-0.02 + 0j])
    T = blowup_time(u, v, P)[0]
    assert np.isfinite(T) == finite
    if finite:
        assert ends(u, v) == pytest.approx(T, rel=1e-8)


def test_near_opposed_is_late_and_tends_to_the_exact_case():
    late = blowup_time(*components(0.02, 0.02, np.pi - 10.0 ** -np.arange(1, 8)), P)
    steps = np.diff(late)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps[2:], steps[-1], rtol=1e-2)  # it grows like the logarithm
    near = blowup_time(*components(0.2, 0.02, np.pi - 1e-9), P)
    assert near[0] == pytest.approx(blowup_time(np.array([0.2 + 0j]), np.array([-0.02 + 0j]), P)[0], rel=1e-9)


@pytest.mark.parametrize("alpha", [0.002, 0.02, np.sqrt(2) * 0.02, 0.2])
def test_blow_up_time_is_smooth_at_a_right_angle(alpha):
    turn = np.array([-1e-5, -1e-7, -1e-9, 1e-9, 1e-7, 1e-5])
    times = blowup_time(*components(alpha, 0.02, np.pi / 2 + turn), P)
    at_right_angle = blowup_time(*components(alpha, 0.02, np.pi / 2), P)
    slopes = (times - at_right_angle) / turn
    assert slopes[0] > 0
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-3)


def test_elapsed_and_remaining_time_add_up_along_the_flow():
    u, v = random_components(40, seed=3)
    times = blowup_time(u, v, P)
    path = gradient_flow(u, v, P, np.linspace(0, 0.9 * times.min(), 6))
    np.testing.assert_allclose(
        path.time[:, None] + blowup_time(path.u, path.v, P), np.tile(times, (6, 1)), rtol=1e-9
    )


def test_shifts_and_reflections_keep_the_time_and_scales_divide_it():
    u, v = random_components(50, seed=4)
    T = blowup_time(u, v, P)
    turn = np.exp(1j * np.linspace(0, 6, 50))
    np.testing.assert_allclose(blowup_time(u * turn, v * turn**2, P), T, rtol=1e-9)
    np.testing.assert_allclose(blowup_time(np.conj(u), np.conj(v), P), T, rtol=1e-12)
    for scale in (1e-200, 1e-8, 1e8):
        np.testing.assert_allclose(blowup_time(scale * u, scale * v, P) * scale, T, rtol=1e-12)


def test_many_neurons_at_once_are_fast():
    import time

    u, v = random_components(1024, 48)
    start = time.process_time()
    T = blowup_time(u, v, 97)
    assert time.process_time() - start < 2
    assert np.isfinite(T).all() and T.shape == (1024, 48)
    assert T[5, 7] == blowup_time(u[5, 7:8], v[5, 7:8], 97)[0]


def test_wrong_arguments(unchecked):
    u, v = random_components(3)
    with pytest.raises(ValueError, match=r"u and v: expected one shape, got \(3,\) and \(2,\)"):
        blowup_time(u, v[:2], P)
    with pytest.raises(ValueError, match="u and v: expected finite values"):
        blowup_time(u, v * np.nan, P)


# rules


def test_rules_match_the_loop():
    u, v = random_components(20, 11)
    alpha, beta, D = np.abs(u), np.abs(v), np.angle(u * u * np.conj(v))
    scores = {
        "min_abs_misalignment": -np.abs(D),
        "max_magnitude": alpha,
        "max_aligned_product": alpha**2 * beta * np.cos(D),
    }
    assert LOTTERY_RULES.keys() == {*scores, "min_blowup_time"}
    for rule, score in scores.items():
        expected = [max(range(1, 12), key=lambda k, row=row: row[k - 1]) for row in score]
        assert predicted_frequency(rule, u, v).tolist() == expected
    by_flow = min(range(1, 6), key=lambda k: ends(u[0, k - 1 : k], v[0, k - 1 : k]))
    assert predicted_frequency("min_blowup_time", u[0, :5], v[0, :5]) == by_flow


def test_the_frequency_of_the_earliest_blow_up_wins():
    u, v = random_components(200, 11)
    end = simulate_competition(u, v, P, growth=1000.0)
    won = np.abs(end.u).argmax(axis=-1) + 1
    assert end.finished.all()
    assert match_frequencies(predicted_frequency("min_blowup_time", u, v), won, 11).share == 1
    assert match_frequencies(predicted_frequency("min_abs_misalignment", u, v), won, 11).share < 0.4


def test_among_equal_amplitudes_the_smallest_misalignment_wins():
    D = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(100, 11))
    equal = components(0.03, 0.02, D)
    assert (
        predicted_frequency("min_blowup_time", *equal) == predicted_frequency("min_abs_misalignment", *equal)
    ).all()


def test_relabelled_frequencies_are_predicted_relabelled():
    u, v = random_components(30, 11, seed=2)
    order = np.random.default_rng(1).permutation(11)
    for rule in LOTTERY_RULES:
        before, after = predicted_frequency(rule, u, v), predicted_frequency(rule, u[:, order], v[:, order])
        np.testing.assert_array_equal(order[after - 1] + 1, before)


def test_neurons_without_input_have_no_prediction():
    u, v = components([[0.0, 0.02], [0.0, 0.0]], 0.02, [[0.0, 2.0], [0.0, 0.0]])
    for rule in LOTTERY_RULES:
        assert predicted_frequency(rule, u, v).tolist() == [2, 0]
    opposed = np.array([0.02 + 0j]), np.array([-0.02 + 0j])
    assert predicted_frequency("min_blowup_time", *opposed) == 0


def test_wrong_arguments_of_rules(unchecked):
    u, v = random_components(2, 3)
    with pytest.raises(ValueError, match=r"rule: expected one of min_abs_misalignment, .*, got 'luck'"):
        predicted_frequency("luck", u, v)
    with pytest.raises(ValueError, match="one shape"):
        predicted_frequency("max_magnitude", u, v[:1])
    with pytest.raises(ValueError, match="K at least 1"):
        predicted_frequency("max_magnitude", u[:, :0], v[:, :0])


# agreement


def test_agreement_counts_neurons_with_both_frequencies():
    predicted, final = np.array([1, 2, 3, 0, 4, 4]), np.array([1, 2, 1, 5, 0, 4])
    match = match_frequencies(predicted, final, 11)
    assert (match.n, match.hits, match.share) == (4, 3, 0.75)
    assert match.chance == 1 / 11
    assert match.shuffled_chance == pytest.approx(
        np.mean([[a == b for a in [1, 2, 3, 4]] for b in [1, 2, 1, 4]])
    )
    among = np.array([False, True, True, True, True, True])
    assert match_frequencies(predicted, final, 11, among).hits == 2


def test_the_interval_is_wilsons():
    match = match_frequencies(np.ones(50, dtype=int), np.repeat([1, 2], [40, 10]), 5)
    z, n, q = 1.959963984540054, 50, 0.8
    centre, half = q + z**2 / (2 * n), z * np.sqrt(q * (1 - q) / n + z**2 / (4 * n**2))
    assert (match.low, match.high) == pytest.approx(
        ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    )


def test_random_predictions_agree_at_chance():
    rng = np.random.default_rng(0)
    final = rng.choice([3, 7], size=40_000)
    guess = rng.integers(1, 12, size=40_000)
    match = match_frequencies(guess, final, 11)
    assert match.low < match.chance < match.high
    knowing = match_frequencies(rng.choice([3, 7], size=40_000), final, 11)
    assert knowing.low < knowing.shuffled_chance < knowing.high and knowing.chance < knowing.low


def test_agreement_of_no_neurons_is_nan():
    match = match_frequencies(np.array([0, 1]), np.array([1, 0]), 3)
    assert match.n == 0 and np.isnan([match.share, match.low, match.high, match.shuffled_chance]).all()


def test_wrong_arguments_of_agreement(unchecked):
    with pytest.raises(ValueError, match=r"final: expected a number in 0..3, got 1..4"):
        match_frequencies(np.array([1, 2]), np.array([1, 4]), 3)
    with pytest.raises(ValueError, match=r"one shape \(m,\), got \(2,\) and \(1,\)"):
        match_frequencies(np.array([1, 2]), np.array([1]), 3)
