"""M1 to M7 on planted tables: held, failed, held in part."""

import pytest
from builders import deciding_counts, filled_table, outcome_row, speed_tables

from analyses.claims import speed
from analyses.claims.claim import verdict
from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.speed.schema import ARMS, PAIRS, RATIOS

TICKET = {"method": "magnitude", "source": "base"}
RECIPE = {"base": {}, "winner": TICKET, "random": {"method": "random"}}
"""Arms by names that no claim knows: their roles are dense, ticket, control."""
ROLES = {"base": "dense", "winner": "ticket", "shuffled": "control"}
DENSE = [outcome_row("base", seed, 90, t_gen) for seed, t_gen in enumerate((14_000, 20_000, 29_000))]


def outcomes(rows):
    return filled_table(OUTCOMES, rows, ROLES)


def test_m1_verdicts():
    late = speed.groks_late(outcomes(DENSE))
    assert verdict(late, True) == "reproduced" and deciding_counts(late) == [(3, 3), (1, 1), (3, 3)]
    assert late[1].value == "20,000" and late[1].interval == "14,000 to 29,000 (seeds)"
    early = [outcome_row("base", seed, 300, 4_000) for seed in range(3)]
    assert verdict(speed.groks_late(outcomes(early)), True) == "not reproduced"
    censored = [*DENSE[:1], *(outcome_row("base", seed, 90, None) for seed in (1, 2))]
    assert deciding_counts(speed.groks_late(outcomes(censored))) == [(3, 3), (0, 1), (3, 3)]


def test_m1_judges_the_first_dense_arm():
    others = [outcome_row("other", seed, 300, 4_000) for seed in range(3)]
    roles = ROLES | {"other": "dense"}
    table = filled_table(OUTCOMES, [*DENSE, *others], roles)
    assert verdict(speed.groks_late(table), True) == "reproduced"
    table = filled_table(OUTCOMES, [*others, *DENSE], roles)
    assert verdict(speed.groks_late(table), True) == "not reproduced"
    assert verdict(speed.groks_late(table[:0]), True) == "not measured"


def test_m1f_compares_networks_at_the_step_where_the_ticket_is_best():
    rows = [outcome_row(arm, 0, 90, t) for arm, t in (("base", 5_000), ("winner", 200), ("shuffled", None))]

    def curve(arm, accuracies):
        return [
            {"arm": arm, "seed": 0, "step": step, "test_acc": accuracy}
            for step, accuracy in zip((0, 100, 200, 300), accuracies, strict=True)
        ]

    ticket = curve("winner", [0, 0.9, 1, 1])
    late, soon = ([0, 0.1, 0.4, 0.9], [0, 0.1, 0.6, 0.9])
    for accuracies, expected in ((late, "reproduced"), (soon, "partly")):
        curves = filled_table(CURVES, ticket + curve("shuffled", accuracies), ROLES)
        assert verdict(speed.fast_recipe(outcomes(rows), curves), True) == expected


def test_m2_counts_every_seed():
    rows = [*DENSE, *(outcome_row("winner", seed, 100, t) for seed, t in enumerate((700, 2_000, 8_000)))]
    tables = speed_tables(rows, RECIPE)
    findings = speed.removes_delay(tables[OUTCOMES], tables[RATIOS], tables[PAIRS])
    assert deciding_counts(findings) == [(2, 3), (2, 3)] and verdict(findings, True) == "partly"
    assert "95 % t" in findings[0].interval


def arms_by_sparsity(times):
    """Return the table of arms, from t_mem and t_gen by sparsity."""
    arms = {"base": {}} | {f"ticket_{s}": TICKET | {"sparsity": s} for s in times}
    rows = DENSE + [
        outcome_row(f"ticket_{s}", seed, t_mem, t_gen)
        for s, (t_mem, t_gen) in times.items()
        for seed in range(3)
    ]
    return speed_tables(rows, arms)[ARMS]


def test_m3_and_m4_over_sparsities():
    as_published = arms_by_sparsity({0.3: (110, 2_000), 0.5: (100, 600), 0.7: (150, 450), 0.9: (900, None)})
    assert verdict(speed.slower_when_sparser(as_published), True) == "reproduced"
    assert verdict(speed.best_sparsity(as_published), True) == "reproduced"
    best, worst = speed.best_sparsity(as_published)
    assert best.value == "0.7, where it is 3" and worst.value == "> 11.1"
    otherwise = arms_by_sparsity({0.5: (200, 300), 0.7: (150, 450), 0.9: (100, 400)})
    assert verdict(speed.slower_when_sparser(otherwise), True) == "not reproduced"
    assert deciding_counts(speed.best_sparsity(otherwise)) == [(0, 1), (0, 1)]
    assert verdict(speed.best_sparsity(arms_by_sparsity({})), True) == "not measured"


ONE_MEMORISED = [(3.0, 100)] + [(None, None)] * 3
"""Four seeds: one with tau 3, three that never memorised."""


def seeds_by_sparsity(times):
    """Return the table of arms, from tau and t_mem by sparsity and seed."""
    arms = {"base": {}} | {f"ticket_{s}": TICKET | {"sparsity": s} for s in times}
    rows = [
        outcome_row(f"ticket_{s}", seed, t_mem, t_mem and int(tau * t_mem))
        for s, seeds in times.items()
        for seed, (tau, t_mem) in enumerate(seeds)
    ]
    return speed_tables([*DENSE, *rows], arms)[ARMS]


def test_m4_is_not_decided_by_the_one_network_that_memorised():
    arms = seeds_by_sparsity({0.5: [(3.5, 100)] * 4, 0.7: ONE_MEMORISED})
    row = arms.set_index("sparsity").loc[0.7]
    assert (row["n"], row["tau_censored"], row["tau_median"], row["tau_median_bound"]) == (4, 3, 0, ">")
    best, _ = speed.best_sparsity(arms)
    assert best.value == "0.5 or 0.7, where it is 3.50 or > 0" and (best.n_held, best.n_cases) == (0, 1)
    fails = seeds_by_sparsity({0.5: [(9.0, 100)] * 4, 0.7: [(3.5, 100)] * 4, 0.9: ONE_MEMORISED})
    best, worst = speed.best_sparsity(fails)
    assert best.n_held == 0 and "0.7 or 0.9" in best.value
    assert (worst.value, worst.n_held) == ("> 0", 1)  # it has no tau
    none = seeds_by_sparsity({0.6: ONE_MEMORISED, 0.7: ONE_MEMORISED})
    assert speed.best_sparsity(none)[0].value == "none has a τ"
    assert deciding_counts(speed.best_sparsity(none)) == [(0, 1), (0, 0)]


def test_m3_of_t_mem_by_seed():
    rows = [*DENSE, *(outcome_row("winner", seed, t, 500) for seed, t in enumerate((130, 72, 71)))]
    assert deciding_counts(speed.memorises_no_faster(outcomes(rows))) == [(2, 3)]


def test_m5_reports_every_step_and_counts_pooled_and_seeds():
    rows = [{"step": 500, "seed": seed, "spearman": r} for seed, r in ((0, 0.9), (1, 0.79), (None, 0.95))]
    rows += [{"step": 1_000, "seed": seed, "spearman": None} for seed in (0, 1, None)]
    at_500, at_1000 = speed.timing({"correlations": rows})
    assert (at_500.n_held, at_500.n_cases, at_500.value) == (2, 3, "0.950 pooled")
    assert at_1000.n_cases == 0 and verdict([at_500, at_1000], True) == "partly"
    assert verdict(speed.timing({"correlations": []}), True) == "not measured"


LATER = [
    ([None, None, None], "reproduced", "> 60"),  # bounds count: never within 60 times the ticket's steps
    ([None, 9_000, 2_500], "reproduced", "> "),
    ([None, None, 2_400], "partly", "> "),
    ([500, 600, 700], "not reproduced", "1.19"),
]


@pytest.mark.parametrize(("times", "expected", "value"), LATER)
def test_m6_counts_bounds(times, expected, value):
    arms = {"base": {}, "winner": TICKET} | {
        arm: {"start": arm.removesuffix("_mean"), "source": "winner"} for arm in speed.NORM_ARMS
    }
    rows = DENSE + [outcome_row("winner", seed, 90, 500) for seed in range(3)]
    rows += [outcome_row(a, seed, 90, t) for a in speed.NORM_ARMS for seed, t in enumerate(times)]
    tables = speed_tables(rows, arms)
    findings = speed.norms_are_later(tables[RATIOS], tables[PAIRS])
    assert len(findings) == 4 and all(finding.value.startswith(value) for finding in findings)
    assert verdict(findings, True) == expected


@pytest.mark.parametrize(("times", "expected", "value"), LATER)
def test_m7_chooses_masks_by_their_method(times, expected, value):
    arms = RECIPE | {f"by_{m}": {"method": m} for m in speed.EARLY_METHODS if m not in ("random", "shuffled")}
    arms |= {"mixed": {"method": "shuffled", "source": "winner"}}
    controls = [arm for arm in arms if arm not in ("base", "winner")]
    rows = DENSE + [outcome_row("winner", seed, 90, 500) for seed in range(3)]
    rows += [outcome_row(arm, seed, 90, t_gen) for arm in controls for seed, t_gen in enumerate(times)]

    def judge(rows, arms):
        tables = speed_tables(rows, arms)
        return speed.masks_are_later(tables[ARMS], tables[RATIOS], tables[PAIRS])

    findings = judge(rows, arms)
    assert len(findings) == len(speed.EARLY_METHODS) == len(controls)
    assert verdict(findings, True) == expected
    assert all(finding.value.startswith(value) for finding in findings)
    *_, last = without = judge(
        [r for r in rows if r["arm"] != "mixed"], {a: arms[a] for a in arms if a != "mixed"}
    )
    assert len(without) == len(findings) and (last.value, last.n_cases) == ("no network", 0)
