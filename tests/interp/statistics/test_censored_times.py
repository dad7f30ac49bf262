"""Medians and tests of times whose answer is known."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chi2

from interp.statistics.censored_times import (
    Bounded,
    CensoredTimes,
    log_rank,
    median_time,
    survival_curve,
)

# survival curves and medians


def slow_curve(times):
    """Product over times of the observed share that does not cross."""
    share, rows = Fraction(1), []
    for t in sorted(set(times.at.tolist())):
        watched = sum(at >= t for at in times.at)
        crossed = sum(at == t and seen for at, seen in zip(times.at, times.observed, strict=True))
        share *= 1 - Fraction(int(crossed), int(watched))
        rows.append((t, share))
    return rows


def test_without_censoring_the_curve_is_the_remaining_share(times):
    steps, share = survival_curve(times(30, 10, 20, 20))
    assert steps.tolist() == [10, 20, 30]
    np.testing.assert_allclose(share, [3 / 4, 1 / 4, 0], atol=1e-15)


def test_the_curve_is_the_textbook_product(drawn):
    for seed in range(40):
        arm_times = drawn(seed, 9)
        steps, share = survival_curve(arm_times)
        slow = slow_curve(arm_times)
        assert steps.tolist() == [t for t, _ in slow]
        np.testing.assert_allclose(share, [float(s) for _, s in slow], atol=1e-14)
        at_most_half = [t for t, s in slow if s <= Fraction(1, 2)]
        assert median_time(arm_times) == (
            Bounded(at_most_half[0]) if at_most_half else Bounded(max(arm_times.at.tolist()), ">")
        )


@pytest.mark.parametrize(
    ("at", "median"),
    [
        ((100, 200, 300), Bounded(200.0)),
        ((300, 100), Bounded(100.0)),
        ((100, -5000, -5000), Bounded(5000.0, ">")),
        ((100, -50, 200), Bounded(100.0)),
        ((-70,), Bounded(70.0, ">")),
        ((7,), Bounded(7.0)),
    ],
)
def test_medians_by_hand(times, at, median):
    assert median_time(times(*at)) == median


def test_curve_and_median_ignore_order_and_follow_the_unit(drawn):
    arm_times = drawn(3, 9)
    turned, longer = (
        CensoredTimes(arm_times.at[::-1], arm_times.observed[::-1]),
        CensoredTimes(arm_times.at * 10, arm_times.observed),
    )
    for steps, share in (survival_curve(turned), survival_curve(longer)):
        np.testing.assert_array_equal(share, survival_curve(arm_times)[1])
        assert steps[0] in (arm_times.at.min(), arm_times.at.min() * 10)
    assert median_time(turned) == median_time(arm_times)
    assert median_time(longer).value == 10 * median_time(arm_times).value


# log-rank


def slow_log_rank(first, second):
    """Crossings of the first arm less those expected, and their variance."""
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


def test_log_rank_equals_the_textbook_formula(drawn):
    for seed in range(40):
        first, second = drawn(seed, 8), drawn(seed + 100, 11)
        difference, variance = slow_log_rank(first, second)
        test = log_rank(first, second)
        assert test.z == pytest.approx(difference / math.sqrt(variance))
        assert test.p == pytest.approx(chi2(1).sf(difference**2 / variance))
        assert test.n_events == first.observed.sum() + second.observed.sum()


def test_log_rank_is_positive_for_an_earlier_first_arm(times):
    test = log_rank(times(*range(1, 21)), times(*range(11, 31)))
    assert test.z > 3 and test.p < 0.01
    assert log_rank(times(1, 2, 3), times(-30, -30, -30)).p == pytest.approx(0.0246, abs=1e-4)


def test_log_rank_changes_sign_with_swapped_arms_and_depends_on_order_only(drawn):
    first, second = drawn(0, 8), drawn(1, 8)
    test, back = log_rank(first, second), log_rank(second, first)
    assert (back.z, back.p) == (pytest.approx(-test.z), pytest.approx(test.p))
    squared = [CensoredTimes(arm.at**2, arm.observed) for arm in (first, second)]
    assert log_rank(*squared) == test
    assert log_rank(first, first).p == pytest.approx(1)


@pytest.mark.parametrize(("first", "second", "n_events"), [(-5, -3, 0), (5, -3, 1)])
def test_without_comparable_times_p_is_nan(times, first, second, n_events):
    test = log_rank(times(first), times(second))
    assert math.isnan(test.p) and math.isnan(test.z) and test.n_events == n_events


# failures


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("at", "observed", "message"),
    [
        ([1, 2], [True], r"one length, got shapes \(2,\), \(1,\)"),
        ([[1]], [[True]], r"one length, got shapes \(1, 1\)"),
        ([1.0, np.nan], [True, True], "finite numbers from 0, got nan"),
        ([1.0, np.inf], [True, False], "finite numbers from 0, got inf"),
        ([-1], [True], "finite numbers from 0, got -1"),
    ],
)
def test_malformed_times_are_refused(at, observed, message):
    with pytest.raises(ValueError, match=message):
        CensoredTimes(np.array(at), np.array(observed))


def test_no_networks_are_refused(times):
    for measure in (survival_curve, median_time):
        with pytest.raises(ValueError, match="at least one network, got none"):
            measure(times())
    with pytest.raises(ValueError, match="second: expected at least one network"):
        log_rank(times(1), times())
