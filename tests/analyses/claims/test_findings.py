"""Limits, medians and ratios of findings."""

import numpy as np
import pytest
from builders import filled_table, outcome_row, speed_tables

from analyses.claims.findings import (
    Limit,
    amount_text,
    dense_arm_of,
    finding_by_seed,
    finding_of_median,
    first_arm,
    median_over_seeds,
    ratio_finding,
)
from analyses.grokking.schema import OUTCOMES
from analyses.speed.schema import PAIRS, RATIOS
from interp.statistics.censored_times import Bounded, CensoredTimes, median_time

ARMS = {
    "base": {},
    "ticket": {"method": "magnitude", "source": "base"},
    "random": {"method": "random"},
    "sparse": {"method": "magnitude", "source": "base", "sparsity": 0.8},
}


def test_limits_judge_bounds_only_where_they_decide():
    assert Limit(5).holds(Bounded(6.0, ">")) and not Limit(5).holds(Bounded(4.0, ">"))
    assert not Limit(5).holds(Bounded(6.0, "<")) and Limit(most=5).holds(Bounded(4.0, "<"))
    assert not Limit(1, 5).holds(Bounded(2.0, ">")) and Limit(1, 5).holds(Bounded(5.0))
    assert not Limit(most=0.5, strict=True).holds(Bounded(0.5))
    assert [str(Limit(12_000, 30_000)), str(Limit(0.8))] == ["12,000 to 30,000", "at least 0.8"]
    assert [amount_text(x) for x in (90.0, 20_470.0, 0.0391, 1_234.5)] == ["90", "20,470", "0.039", "1,234"]


def test_a_median_over_censored_seeds_is_a_bound():
    by_seed = {0: Bounded(100.0), 1: Bounded(900.0, ">"), 2: Bounded(900.0, ">")}
    finding = finding_by_seed("t_gen", Limit(most=500), by_seed)
    assert (finding.value, finding.interval) == ("> 900", "100 to > 900 (seeds)")
    assert (finding.n_held, finding.n_cases, finding.n) == (1, 3, 3)
    of_median = finding_of_median("t_gen", Limit(most=500), by_seed)
    assert (of_median.n_held, of_median.n_cases, of_median.n) == (0, 1, 3)
    assert finding_of_median("t_gen", Limit(500), by_seed).n_held == 1


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 3.0]])
def test_without_bounds_the_median_is_kaplan_and_meiers_and_may_be_negative(values):
    times = median_time(CensoredTimes(np.array(values), np.full(len(values), True)))
    assert median_over_seeds({seed: Bounded(x) for seed, x in enumerate(values)}) == times
    below = median_over_seeds({seed: Bounded(x - 9) for seed, x in enumerate(values)})
    assert below == Bounded(times.value - 9)


def test_arms_are_chosen_by_role():
    rows = [outcome_row(arm, 0, 90, 500) for arm in ARMS]
    tables = speed_tables(rows, ARMS)
    outcomes = tables[OUTCOMES]
    assert [first_arm(outcomes, role) for role in ("dense", "ticket", "control", "variant")] == [
        "base",
        "ticket",
        "random",
        "",
    ]
    assert dense_arm_of(tables[RATIOS], "sparse") == "base" and dense_arm_of(tables[RATIOS], "base") == ""


def test_a_ratio_of_networks_that_never_generalised_does_not_hold():
    tables = speed_tables([outcome_row(arm, 0, 90, None) for arm in ARMS], ARMS)
    finding = ratio_finding("x", Limit(5), tables[RATIOS], tables[PAIRS], "ticket", "random")
    assert (finding.value, finding.n_held, finding.n_cases) == ("none generalised", 0, 1)
    empty = filled_table(RATIOS, []), filled_table(PAIRS, [])
    assert ratio_finding("x", Limit(5), *empty, "ticket", "random").n_cases == 0
