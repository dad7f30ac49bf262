"""M11 to M13 on planted tables: held, failed, held in part."""

import pytest
from builders import deciding_counts, filled_table, outcome_row, speed_tables

from analyses.claims import other_conditions
from analyses.claims.claim import verdict
from analyses.grokking.schema import CURVES, OUTCOMES
from analyses.masks.schema import FROZEN
from analyses.speed.schema import PAIRS, RATIOS

TICKET = {"method": "magnitude", "source": "base"}
RECIPE = {"base": {}, "winner": TICKET, "mixed": {"method": "shuffled", "source": "winner"}}


def judge(judge, rows, arms=RECIPE):
    tables = speed_tables(rows, arms)
    return judge(tables[OUTCOMES], tables[RATIOS], tables[PAIRS])


def curves(arm, accuracies):
    rows = [{"arm": arm, "seed": seed, "step": step, "test_acc": a} for seed, step, a in accuracies]
    return filled_table(CURVES, rows, {})


def test_m11_takes_the_best_sparsity_within_the_range():
    accuracies = {0.5: (1, 1, 1), 0.7: (0.99, 1, 0.5), 0.8: (0.99, 0.995, 1), 0.9: (1, 1, 1)}
    rows = [
        outcome_row(f"at {s}", seed, 90, 500, test_acc=a, sparsity=s)
        for s, by_seed in accuracies.items()
        for seed, a in enumerate(by_seed)
    ]
    outcomes = filled_table(OUTCOMES, rows, {f"at {s}": "ticket" for s in accuracies})
    dense = other_conditions.DENSE_WITHOUT_DECAY
    low = curves(dense, [(0, 0, 0.1), (0, 10, 0.49), (1, 0, 0), (2, 0, 0)])
    findings = other_conditions.without_decay(outcomes, low)
    assert verdict(findings, True) == "reproduced" and findings[0].name.endswith("(at 0.8)")
    assert [f.name for f in findings if not f.decides] == ["final test accuracy (at 0.7)"]
    high = low.assign(test_acc=0.5)
    assert verdict(other_conditions.without_decay(outcomes, high), True) == "partly"
    assert deciding_counts(other_conditions.without_decay(outcomes[:3], low)) == [(0, 0), (3, 3)]
    controls = outcomes.assign(arm_role="control")
    assert deciding_counts(other_conditions.without_decay(controls, low)) == [(0, 0), (3, 3)]


@pytest.mark.parametrize(
    ("n_changed", "accuracy", "expected"),
    [(0, 0.8, "reproduced"), (1, 0.8, "partly"), (0, 0.79, "partly"), (1, 0.79, "not reproduced")],
)
def test_m12_needs_frozen_weights_and_the_accuracy(n_changed, accuracy, expected):
    frozen = filled_table(FROZEN, [{"arm": "scores", "seed": 0, "n_changed": n_changed, "n_kept": 100}], {})
    curve = curves("scores", [(0, 0, 0), (0, 2_000, accuracy), (0, 2_010, 1)])
    assert verdict(other_conditions.edge_popup(frozen, curve), True) == expected
    assert verdict(other_conditions.edge_popup(frozen[:0], curve[:0]), True) == "not measured"


def test_m13_a_ticket_that_could_not_be_taken_does_not_hold():
    rows = [outcome_row("base", seed, 90, None) for seed in range(3)]
    rows += [outcome_row("winner", seed, None, None, status="skipped") for seed in range(3)]
    (finding,) = judge(other_conditions.sooner_than_dense("polynomial"), rows)
    assert (finding.n_held, finding.n_cases) == (0, 3)
    assert finding.value == "no ticket: dense never generalised"
    waiting = [row | {"status": "not trained"} for row in rows]
    (finding,) = judge(other_conditions.sooner_than_dense("polynomial"), waiting)
    assert finding.n_cases == 0


def test_m13_judges_the_first_tickets_and_leaves_missing_ones_unmeasured():
    rows = [outcome_row("base", seed, 90, 10_000) for seed in range(3)]
    rows += [
        outcome_row(arm, s, 90, t) for s in range(3) for arm, t in (("winner", 4_000), ("sparse", 6_000))
    ]
    arms = RECIPE | {"sparse": TICKET | {"sparsity": 0.8}}
    both = judge(other_conditions.sooner_than_dense("parity", n_tickets=2), rows, arms)
    assert deciding_counts(both) == [(3, 3), (0, 3)] and verdict(both, True) == "partly"
    first = judge(other_conditions.sooner_than_dense("parity"), rows, arms)
    assert verdict(first, True) == "reproduced"
    third = judge(other_conditions.sooner_than_dense("parity", other_conditions.THIRD), rows, arms)
    assert verdict(third, True) == "not reproduced"
    rows = [row for row in rows if row["arm"] != "sparse"]
    one_missing = judge(other_conditions.sooner_than_dense("parity", n_tickets=2), rows)
    assert deciding_counts(one_missing) == [(3, 3), (0, 0)] and verdict(one_missing, True) == "partly"


def test_m13_of_images_shows_the_control_as_context():
    rows = [
        outcome_row(arm, seed, 90, t_gen)
        for arm, t_gen in (("base", 10_000), ("winner", 9_000), ("mixed", 3_000))
        for seed in range(3)
    ]
    findings = judge(other_conditions.images, rows)
    assert [(f.n_held, f.decides) for f in findings] == [(0, True), (3, False)]


def test_m13_needs_three_operations_in_every_seed():
    names = ("sub", "mul", "x2_plus_y2", "x2_plus_xy_plus_y2")
    arms = {f"{name}_dense": {"task": {"name": name, "p": 7}} for name in names}
    arms |= {
        f"{name}_ticket": {
            "method": "magnitude",
            "source": f"{name}_dense",
            "task": {"name": name, "p": 7},
        }
        for name in names
    }

    def findings(n_halved):
        rows = [outcome_row(f"{name}_dense", seed, 90, 10_000) for name in names for seed in range(3)]
        rows += [
            outcome_row(f"{name}_ticket", seed, 90, 5_000 if place < n_halved else 5_010)
            for place, name in enumerate(names)
            for seed in range(3)
        ]
        return judge(other_conditions.operations, rows, arms)

    assert verdict(findings(3), True) == "reproduced" and verdict(findings(2), True) == "not reproduced"
    assert findings(3)[0].value == "3 of 4" and len(findings(3)) == 5
