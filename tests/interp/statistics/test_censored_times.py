"""Times whose medians, ratios and tests are known."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import bootstrap, chi2

from interp.statistics.censored_times import (
    Bounded,
    CensoredTimes,
    MeanRatio,
    log_rank,
    mean_ratio,
    median_time,
    paired_ratios,
    survival_curve,
)


def times(*at):
    """Times from numbers; a negative one is censored at its absolute value."""
    at = np.array(at, dtype=float)
    return CensoredTimes(np.abs(at), at > 0)


def drawn(seed, n):
    """Times of few different values, so that ties and censorings fall together."""
    rng = np.random.default_rng(seed)
    return CensoredTimes(rng.integers(1, 8, n).astype(float), rng.uniform(size=n) < 0.6)


def exact(*values):
    return [Bounded(value) for value in values]


# survival curves and medians


def slow_curve(times):
    """The textbook's product: at each time, of those still watched, the share that does not cross."""
    share, rows = Fraction(1), []
    for t in sorted(set(times.at.tolist())):
        watched = sum(at >= t for at in times.at)
        crossed = sum(at == t and seen for at, seen in zip(times.at, times.observed, strict=True))
        share *= 1 - Fraction(int(crossed), int(watched))
        rows.append((t, share))
    return rows


def test_without_censoring_the_curve_counts_who_is_left():
    steps, share = survival_curve(times(30, 10, 20, 20))
    assert steps.tolist() == [10, 20, 30]
    np.testing.assert_allclose(share, [3 / 4, 1 / 4, 0], atol=1e-15)


def test_the_curve_is_the_textbook_product():
    for seed in range(40):
        own = drawn(seed, 9)
        steps, share = survival_curve(own)
        slow = slow_curve(own)
        assert steps.tolist() == [t for t, _ in slow]
        np.testing.assert_allclose(share, [float(s) for _, s in slow], atol=1e-14)
        at_most_half = [t for t, s in slow if s <= Fraction(1, 2)]
        assert median_time(own) == (
            Bounded(at_most_half[0]) if at_most_half else Bounded(max(own.at.tolist()), ">")
        )


@pytest.mark.parametrize(
    ("own", "median"),
    [
        (times(100, 200, 300), Bounded(200.0)),
        (times(300, 100), Bounded(100.0)),
        (times(100, -5000, -5000), Bounded(5000.0, ">")),
        (times(100, -50, 200), Bounded(100.0)),
        (times(-70), Bounded(70.0, ">")),
        (times(7), Bounded(7.0)),
    ],
)
def test_medians_by_hand(own, median):
    assert median_time(own) == median


def test_curve_and_median_ignore_order_and_follow_the_unit():
    own = drawn(3, 9)
    turned, longer = CensoredTimes(own.at[::-1], own.observed[::-1]), CensoredTimes(own.at * 10, own.observed)
    for steps, share in (survival_curve(turned), survival_curve(longer)):
        np.testing.assert_array_equal(share, survival_curve(own)[1])
        assert steps[0] in (own.at.min(), own.at.min() * 10)
    assert median_time(turned) == median_time(own)
    assert median_time(longer).value == 10 * median_time(own).value


# ratios


def test_ratios_and_their_bounds():
    dense, ticket = times(6000, 6000, -8000, -8000), times(300, -2000, 400, -400)
    assert paired_ratios(dense, ticket) == [Bounded(20.0), Bounded(3.0, "<"), Bounded(20.0, ">"), None]


def test_swapped_arms_give_inverse_ratios_and_bounds():
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
    found = paired_ratios(*watched)
    assert {None if r is None else r.bound for r in found} == {"=", "<", ">", None}
    for ratio, true in zip(found, slow / fast, strict=True):
        if ratio is not None:
            lies = {"=": true == pytest.approx(ratio.value), "<": true < ratio.value, ">": true > ratio.value}
            assert lies[ratio.bound]


def test_the_mean_is_geometric_and_its_interval_that_of_scipy():
    values = np.array([2.0, 3.0, 8.0, 40.0])
    found = mean_ratio(exact(*values))
    assert found.mean.value == pytest.approx(np.prod(values) ** 0.25)
    interval = bootstrap(
        (np.log(values),), np.mean, n_resamples=200_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    np.testing.assert_allclose(np.log(found.interval), interval, atol=0.05)


def test_means_ignore_order_scale_with_the_ratios_and_turn_with_them():
    values = [2.0, 3.0, 8.0, 40.0, 41.0]
    found = mean_ratio(exact(*values))
    assert mean_ratio(exact(*values[::-1])) == found
    scaled, turned = mean_ratio(exact(*(7 * v for v in values))), mean_ratio(exact(*(1 / v for v in values)))
    assert scaled.mean.value == pytest.approx(7 * found.mean.value)
    np.testing.assert_allclose(scaled.interval, np.multiply(7, found.interval), rtol=1e-12)
    assert turned.mean.value == pytest.approx(1 / found.mean.value)
    np.testing.assert_allclose(turned.interval, np.divide(1, found.interval)[::-1], rtol=0.1)


def test_the_interval_covers_the_truth_about_as_often_as_the_notes_say():
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


def test_bounds_make_a_bound_if_they_point_one_way():
    above, below = Bounded(9.0, ">"), Bounded(1.0, "<")
    mixed = mean_ratio([Bounded(4.0), above, None])
    assert (mixed.n, mixed.mean.bound, mixed.interval) == (2, ">", None)
    assert mixed.mean.value == pytest.approx(6)
    assert mean_ratio([Bounded(4.0), below]).mean.bound == "<"
    assert mean_ratio([above, below]) == MeanRatio(2, None, None)


# log-rank


def slow_log_rank(first, second):
    """The textbook's sums: crossings of the first arm, less those expected, over their variance."""
    both = np.concatenate([first.at, second.at])
    seen = np.concatenate([first.observed, second.observed])
    difference = variance = 0.0
    for t in np.unique(both[seen]):
        n, n_first = (both >= t).sum(), (first.at >= t).sum()
        d, d_first = (seen & (both == t)).sum(), (first.observed & (first.at == t)).sum()
        difference += d_first - d * n_first / n
        if n > 1:
            variance += d * (n_first / n) * (1 - n_first / n) * (n - d) / (n - 1)
    return difference, variance


def test_log_rank_is_that_of_the_textbook():
    for seed in range(40):
        first, second = drawn(seed, 8), drawn(seed + 100, 11)
        difference, variance = slow_log_rank(first, second)
        found = log_rank(first, second)
        assert found.z == pytest.approx(difference / math.sqrt(variance))
        assert found.p == pytest.approx(chi2(1).sf(difference**2 / variance))
        assert found.n_events == first.observed.sum() + second.observed.sum()


def test_the_sooner_arm_is_found():
    found = log_rank(times(*range(1, 21)), times(*range(11, 31)))
    assert found.z > 3 and found.p < 0.01
    assert log_rank(times(1, 2, 3), times(-30, -30, -30)).p == pytest.approx(0.0246, abs=1e-4)


def test_log_rank_turns_with_the_arms_and_knows_only_the_order():
    first, second = drawn(0, 8), drawn(1, 8)
    found, back = log_rank(first, second), log_rank(second, first)
    assert (back.z, back.p) == (pytest.approx(-found.z), pytest.approx(found.p))
    squared = [CensoredTimes(own.at**2, own.observed) for own in (first, second)]
    assert log_rank(*squared) == found
    assert log_rank(first, first).p == pytest.approx(1)


@pytest.mark.parametrize(
    ("first", "second", "n_events"), [(times(-5), times(-3), 0), (times(5), times(-3), 1)]
)
def test_with_nothing_to_test_there_is_no_p(first, second, n_events):
    found = log_rank(first, second)
    assert math.isnan(found.p) and math.isnan(found.z) and found.n_events == n_events


# failures


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("at", "observed", "message"),
    [
        ([1, 2], [True], r"one length, came shapes \(2,\), \(1,\)"),
        ([[1]], [[True]], r"one length, came shapes \(1, 1\)"),
        ([1.0, np.nan], [True, True], "finite and at least 0, came nan"),
        ([1.0, np.inf], [True, False], "finite and at least 0, came inf"),
        ([-1], [True], "finite and at least 0, came -1"),
    ],
)
def test_times_that_are_none_are_refused(at, observed, message):
    with pytest.raises(ValueError, match=message):
        CensoredTimes(np.array(at), np.array(observed))


def test_no_networks_unpaired_ones_and_ratios_without_a_logarithm_are_refused():
    for measure in (survival_curve, median_time):
        with pytest.raises(ValueError, match="at least one network, came none"):
            measure(times())
    with pytest.raises(ValueError, match="second must hold at least one network"):
        log_rank(times(1), times())
    with pytest.raises(ValueError, match="must be paired, came 2 and 1 networks"):
        paired_ratios(times(1, 2), times(1))
    with pytest.raises(ValueError, match="times must be above 0 for a ratio, came 0"):
        paired_ratios(times(1), CensoredTimes(np.array([0]), np.array([True])))
    with pytest.raises(ValueError, match="ratios must be above 0 and finite, came 0"):
        mean_ratio(exact(2.0, 0.0))
