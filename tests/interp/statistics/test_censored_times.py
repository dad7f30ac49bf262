"""Survival curves and medians of times whose answer is known."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from interp.statistics.censored_times import (
    Bounded,
    CensoredTimes,
    median_of_bounds,
    median_time,
    possible_smallest,
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


# medians of bounds


def slow_medians(numbers, grid):
    """Return the least and the largest lower median over all values that bounds allow on a grid."""
    allowed = [
        [v for v in grid if {"=": v == n.value, "<": v <= n.value, ">": v >= n.value}[n.bound]]
        for n in numbers
    ]
    medians = [sorted(values)[(len(numbers) - 1) // 2] for values in itertools.product(*allowed)]
    return min(medians), max(medians)


@pytest.mark.parametrize("seed", range(30))
def test_medians_of_bounds_are_those_of_all_values_they_allow(seed):
    rng, grid = np.random.default_rng(seed), [0.0, 1.0, 2.0, 3.0, 4.0]
    numbers = [
        Bounded(float(rng.choice(grid[1:4])), str(rng.choice(["=", ">"] if seed % 2 else ["=", "<"])))
        for _ in range(int(rng.integers(1, 6)))
    ]
    least, largest = slow_medians(numbers, grid)
    bound = Bounded(least, ">") if least > grid[0] else Bounded(largest, "<")
    assert median_of_bounds(numbers) == (Bounded(least) if least == largest else bound)


def test_four_networks_of_which_one_memorised_have_no_known_median():
    unknown = Bounded(0.0, ">")
    assert median_of_bounds([Bounded(3.0), unknown, unknown, unknown]) == unknown
    assert median_of_bounds([Bounded(3.0), Bounded(4.0), unknown, unknown]) == unknown
    assert median_of_bounds([Bounded(3.0), Bounded(4.0), Bounded(5.0), unknown]) == Bounded(3.0, ">")
    dropped = CensoredTimes(np.array([3.0, 0, 0, 0]), np.array([True, False, False, False]))
    assert median_time(dropped) == Bounded(3.0)  # Kaplan and Meier's estimate of tau, for which it is no use


def test_medians_of_bounds_in_both_directions_have_one():
    below, above = Bounded(0.5, "<"), Bounded(0.0, ">")
    assert median_of_bounds([below, above]) == median_of_bounds([below, below, above]) == below
    assert median_of_bounds([below, above, above]) == above
    with pytest.raises(ValueError, match="at least one, got none"):
        median_of_bounds([])


def test_a_bound_that_does_not_exclude_it_may_be_the_smallest():
    numbers = {"a": Bounded(4.0), "b": Bounded(3.0), "c": Bounded(2.0, ">"), "d": Bounded(9.0, "<")}
    assert possible_smallest(numbers) == ["b", "c", "d"]
    assert possible_smallest(numbers | {"c": Bounded(5.0, ">"), "d": Bounded(3.0)}) == ["b", "d"]
    assert possible_smallest({}) == []


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
