"""Log-rank tests against textbook formulas and enumeration."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import chi2, norm
from simulated_statistics import log_rank_size

from interp.statistics.censored_times import CensoredTimes
from interp.statistics.log_rank_statistics import _drawn_p, log_rank, log_rank_scores


def pooled(first, second):
    """Return the networks of two arms together."""
    return CensoredTimes(
        np.concatenate([first.at, second.at]), np.concatenate([first.observed, second.observed])
    )


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


def slow_exact_p(first, second):
    """Return the share of all arrangements whose difference is at least as large, each counted anew."""
    at = np.concatenate([first.at, second.at])
    seen = np.concatenate([first.observed, second.observed])
    differences = []
    for chosen in itertools.combinations(range(len(at)), len(first.at)):
        is_first = np.isin(np.arange(len(at)), chosen)
        arms = [CensoredTimes(at[arm], seen[arm]) for arm in (is_first, ~is_first)]
        differences.append(abs(slow_log_rank(*arms)[0]))
    return np.mean(np.array(differences) >= abs(slow_log_rank(first, second)[0]) - 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_p_of_few_networks_is_counted_over_all_arrangements(drawn, seed):
    first, second = drawn(seed, 4), drawn(seed + 100, 5)
    difference, variance = slow_log_rank(first, second)
    test = log_rank(first, second)
    assert test.z == pytest.approx(difference / math.sqrt(variance))
    assert (test.p, test.kind) == (pytest.approx(slow_exact_p(first, second)), "exact")
    assert test.n_events == first.observed.sum() + second.observed.sum()


@pytest.mark.parametrize("seed", range(8))
def test_p_of_many_networks_is_the_normal_approximation(drawn, seed):
    first, second = drawn(seed, 30), drawn(seed + 100, 40)
    difference, variance = slow_log_rank(first, second)
    test = log_rank(first, second)
    assert (test.p, test.kind) == (pytest.approx(chi2(1).sf(difference**2 / variance)), "normal")


def test_drawn_arrangements_agree_with_all(drawn):
    first, second = drawn(2, 5), drawn(103, 6)
    scores = log_rank_scores(pooled(first, second))
    assert _drawn_p(scores, 5) == pytest.approx(log_rank(first, second).p, abs=0.01)
    assert log_rank(drawn(0, 9), drawn(1, 40)).kind == "drawn"


def test_scores_sum_to_the_difference_of_an_arm(drawn):
    first, second = drawn(5, 9), drawn(6, 9)
    scores = log_rank_scores(pooled(first, second))
    assert scores[:9].sum() == pytest.approx(slow_log_rank(first, second)[0])
    assert scores.sum() == pytest.approx(0)


def test_three_against_three_have_an_exact_p_of_a_tenth(times):
    separated = log_rank(times(1, 2, 3), times(-30, -30, -30))
    assert (separated.p, separated.kind) == (pytest.approx(0.1), "exact")
    assert 2 * norm.sf(separated.z) == pytest.approx(0.0246, abs=1e-4)  # the approximation


def test_size_of_the_test_of_three_against_three():
    exact, approximate = log_rank_size(3, n_draws=2_000)
    assert exact == 0
    assert approximate == pytest.approx(0.1, abs=0.02)  # at a nominal .05


def test_log_rank_is_positive_for_an_earlier_first_arm(times):
    test = log_rank(times(*range(1, 21)), times(*range(11, 31)))
    assert test.z > 3 and test.p < 0.01


def test_log_rank_changes_sign_with_swapped_arms_and_depends_on_order_only(drawn):
    first, second = drawn(0, 6), drawn(1, 6)
    test, back = log_rank(first, second), log_rank(second, first)
    assert (back.z, back.p) == (pytest.approx(-test.z), pytest.approx(test.p))
    squared = [CensoredTimes(arm.at**2, arm.observed) for arm in (first, second)]
    assert log_rank(*squared) == test
    assert log_rank(first, first).p == pytest.approx(1)


@pytest.mark.parametrize(("first", "second", "n_events"), [(-5, -3, 0), (5, -3, 1)])
def test_without_comparable_times_p_is_nan(times, first, second, n_events):
    test = log_rank(times(first), times(second))
    assert math.isnan(test.p) and math.isnan(test.z)
    assert (test.n_events, test.kind) == (n_events, None)


def test_no_networks_are_refused(times):
    with pytest.raises(ValueError, match="second: expected at least one network"):
        log_rank(times(1), times())
