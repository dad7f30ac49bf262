"""Ratios of times whose bounds and means are known."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from simulated_statistics import DISTRIBUTIONS, bca_interval, coverage

from interp.statistics.censored_times import Bounded
from interp.statistics.time_ratios import MeanRatio, mean_ratio, paired_ratios, student_interval


def exact(*values):
    return [Bounded(value) for value in values]


def bounded(*at):
    """Return times; negative numbers are lower bounds."""
    return [Bounded(abs(time), "=" if time > 0 else ">") for time in at]


def drawn_times(seed, n=30):
    """Return times, lower and upper bounds."""
    draws = np.random.default_rng(seed)
    return [Bounded(float(draws.integers(1, 8)), str(draws.choice(["=", "<", ">"]))) for _ in range(n)]


def test_ratios_and_their_bounds():
    dense, ticket = bounded(6000.0, 6000.0, -8000.0, -8000.0), bounded(300.0, -2000.0, 400.0, -400.0)
    assert paired_ratios(dense, ticket) == [Bounded(20.0), Bounded(3.0, "<"), Bounded(20.0, ">"), None]
    unknown, below = Bounded(0.0, ">"), Bounded(0.5, "<")
    assert paired_ratios([unknown, Bounded(3.0), below], [Bounded(3.0), unknown, unknown]) == [None] * 3
    assert paired_ratios([below, Bounded(3.0)], [Bounded(2.0), below]) == [
        Bounded(0.25, "<"),
        Bounded(6.0, ">"),
    ]


def test_swapped_arms_give_inverse_ratios_and_bounds():
    one, other = drawn_times(0), drawn_times(1)
    turned = {"=": "=", "<": ">", ">": "<"}
    for ratio, back in zip(paired_ratios(one, other), paired_ratios(other, one), strict=True):
        assert (ratio is None) == (back is None)
        if ratio is not None:
            assert ratio.value * back.value == pytest.approx(1)
            assert back.bound == turned[ratio.bound]


def test_bounds_hold_the_ratio_of_the_uncensored_times():
    draws = np.random.default_rng(0).uniform(1, 100, (2, 200)).tolist()
    observed = [
        [Bounded(t) if 5 < t <= 60 else Bounded(60.0, ">") if t > 60 else Bounded(5.0, "<") for t in times]
        for times in draws
    ]
    ratios = paired_ratios(*observed)
    assert {None if r is None else r.bound for r in ratios} == {"=", "<", ">", None}
    for ratio, above, below in zip(ratios, *draws, strict=True):
        if ratio is not None:
            true = above / below
            holds = {
                "=": true == pytest.approx(ratio.value),
                "<": true < ratio.value,
                ">": true > ratio.value,
            }
            assert holds[ratio.bound]


def test_the_mean_is_geometric_and_its_interval_agrees_with_scipy():
    values = np.array([2.0, 3.0, 8.0, 40.0])
    result = mean_ratio(exact(*values))
    assert result.mean.value == pytest.approx(np.prod(values) ** 0.25)
    interval = ttest_1samp(np.log(values), 0).confidence_interval(0.95)
    np.testing.assert_allclose(np.log(result.interval), interval, rtol=1e-12)


def test_means_ignore_order_and_scale_and_invert_with_the_ratios():
    values = [2.0, 3.0, 8.0, 40.0, 41.0]
    result = mean_ratio(exact(*values))
    assert mean_ratio(exact(*values[::-1])) == result
    scaled, turned = mean_ratio(exact(*(7 * v for v in values))), mean_ratio(exact(*(1 / v for v in values)))
    assert scaled.mean.value == pytest.approx(7 * result.mean.value)
    np.testing.assert_allclose(scaled.interval, np.multiply(7, result.interval), rtol=1e-12)
    assert turned.mean.value == pytest.approx(1 / result.mean.value)
    np.testing.assert_allclose(turned.interval, np.divide(1, result.interval)[::-1], rtol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_interval_covers_the_truth_as_often_as_documented(name, n):
    covered = coverage(student_interval, DISTRIBUTIONS[name], n, 20_000)
    exact = name == "normal"
    assert abs(covered - 0.95) < 0.005 if exact else 0.87 < covered < 0.97


def test_a_bootstrap_of_few_pairs_would_be_too_narrow():
    assert coverage(bca_interval, DISTRIBUTIONS["normal"], 3, 200) < 0.85


def test_ratios_far_apart_leave_an_infinite_end():
    assert mean_ratio(exact(1e-200, 1e200)).interval == (0.0, np.inf)


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


def test_unpaired_networks_and_ratios_without_a_logarithm_are_refused():
    with pytest.raises(ValueError, match="in pairs, got 2 and 1 networks"):
        paired_ratios(exact(1.0, 2.0), exact(1.0))
    with pytest.raises(ValueError, match="times: expected times above 0 for a ratio, got 0"):
        paired_ratios(exact(1.0), exact(0.0))
    with pytest.raises(ValueError, match="ratios: expected finite numbers above 0, got 0"):
        mean_ratio(exact(2.0, 0.0))
