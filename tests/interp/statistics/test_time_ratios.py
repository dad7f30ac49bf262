"""Ratios of times whose bounds and means are known."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from interp.statistics.censored_times import Bounded, CensoredTimes
from interp.statistics.time_ratios import MeanRatio, mean_ratio, paired_ratios


def exact(*values):
    return [Bounded(value) for value in values]


def test_ratios_and_their_bounds(times):
    dense, ticket = times(6000, 6000, -8000, -8000), times(300, -2000, 400, -400)
    assert paired_ratios(dense, ticket) == [Bounded(20.0), Bounded(3.0, "<"), Bounded(20.0, ">"), None]


def test_swapped_arms_give_inverse_ratios_and_bounds(drawn):
    one, other = drawn(0, 30), drawn(1, 30)
    turned = {"=": "=", "<": ">", ">": "<"}
    for ratio, back in zip(paired_ratios(one, other), paired_ratios(other, one), strict=True):
        assert (ratio is None) == (back is None)
        if ratio is not None:
            assert ratio.value * back.value == pytest.approx(1)
            assert back.bound == turned[ratio.bound]


def test_bounds_hold_the_ratio_of_the_uncensored_times():
    rng = np.random.default_rng(0)
    slow, fast = rng.uniform(1, 100, 200), rng.uniform(1, 100, 200)
    watched = CensoredTimes(np.minimum(slow, 60), slow <= 60), CensoredTimes(np.minimum(fast, 60), fast <= 60)
    ratios = paired_ratios(*watched)
    assert {None if r is None else r.bound for r in ratios} == {"=", "<", ">", None}
    for ratio, true in zip(ratios, slow / fast, strict=True):
        if ratio is not None:
            lies = {"=": true == pytest.approx(ratio.value), "<": true < ratio.value, ">": true > ratio.value}
            assert lies[ratio.bound]


def test_the_mean_is_geometric_and_its_interval_agrees_with_scipy():
    values = np.array([2.0, 3.0, 8.0, 40.0])
    result = mean_ratio(exact(*values))
    assert result.mean.value == pytest.approx(np.prod(values) ** 0.25)
    interval = bootstrap(
        (np.log(values),), np.mean, n_resamples=200_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    np.testing.assert_allclose(np.log(result.interval), interval, atol=0.05)


def test_means_ignore_order_and_scale_and_invert_with_the_ratios():
    values = [2.0, 3.0, 8.0, 40.0, 41.0]
    result = mean_ratio(exact(*values))
    assert mean_ratio(exact(*values[::-1])) == result
    scaled, turned = mean_ratio(exact(*(7 * v for v in values))), mean_ratio(exact(*(1 / v for v in values)))
    assert scaled.mean.value == pytest.approx(7 * result.mean.value)
    np.testing.assert_allclose(scaled.interval, np.multiply(7, result.interval), rtol=1e-12)
    assert turned.mean.value == pytest.approx(1 / result.mean.value)
    np.testing.assert_allclose(turned.interval, np.divide(1, result.interval)[::-1], rtol=0.1)


def test_the_interval_covers_the_truth_as_often_as_documented():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        low, high = mean_ratio(exact(*(5 * np.exp(rng.normal(size=10))).tolist())).interval
        covered += low <= 5 <= high
    assert 82 <= covered <= 97  # 91 expected, ± three standard deviations


def test_an_interval_needs_two_pairs_and_equal_ones_are_a_point():
    assert mean_ratio([]) == mean_ratio([None]) == MeanRatio(0, None, None)
    assert mean_ratio(exact(4.0)) == MeanRatio(1, Bounded(4.0), None)
    equal = mean_ratio(exact(4.0, 4.0, 4.0))
    assert equal.interval == (equal.mean.value, equal.mean.value) and equal.mean.value == pytest.approx(4)


def test_the_mean_of_bounds_in_one_direction_is_a_bound():
    above, below = Bounded(9.0, ">"), Bounded(1.0, "<")
    mixed = mean_ratio([Bounded(4.0), above, None])
    assert (mixed.n, mixed.mean.bound, mixed.interval) == (2, ">", None)
    assert mixed.mean.value == pytest.approx(6)
    assert mean_ratio([Bounded(4.0), below]).mean.bound == "<"
    assert mean_ratio([above, below]) == MeanRatio(2, None, None)


def test_unpaired_networks_and_ratios_without_a_logarithm_are_refused(times):
    with pytest.raises(ValueError, match="in pairs, got 2 and 1 networks"):
        paired_ratios(times(1, 2), times(1))
    with pytest.raises(ValueError, match="times: expected times above 0 for a ratio, got 0"):
        paired_ratios(times(1), CensoredTimes(np.array([0]), np.array([True])))
    with pytest.raises(ValueError, match="ratios: expected finite numbers above 0, got 0"):
        mean_ratio(exact(2.0, 0.0))
