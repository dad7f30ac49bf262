"""H5 to H7 on planted tables: held, failed, held in part, not measured."""

import numpy as np
import pytest
from builders import deciding_counts, filled_table

from analyses.claims import dynamics
from analyses.claims.claim import verdict
from analyses.flow.schema import DEVIATIONS, INVARIANTS
from analyses.leakage.schema import IDEAL, SHARES, START
from analyses.lottery.schema import EQUAL, RULES
from analyses.tables.labels import LOTTERY_RULES

# H5

DRIFTS = ("difference_median", "difference_max", "product_median", "product_max")


def flow_tables(alpha=1e-4, D=1e-4, all_neurons=1.0, drift=1e-9, steps=(0, 3_000, 6_000)):
    """Return differences that grow evenly to the last step.

    Parameters
    ----------
    all_neurons : float
        The worst neuron's difference over the median neuron's.
    """
    deviations, invariants = [], []
    for seed in (0, 1):
        for step in steps:
            at, share = {"arm": "dense", "seed": seed, "step": step}, step / 6_000
            columns = {}
            for name, error in (("input_amplitude", alpha), ("output_amplitude", alpha / 2), ("D", D)):
                columns |= {f"{name}_median": error * share, f"{name}_max": all_neurons * error * share}
            for contrast in ("flow", "softmax", "steps", "warm_up"):
                deviations.append(at | {"contrast": contrast} | columns)
            for course in ("flow", "trained"):
                invariants.append(at | {"course": course} | dict.fromkeys(DRIFTS, drift * share))
    return filled_table(DEVIATIONS, deviations), filled_table(INVARIANTS, invariants)


@pytest.mark.parametrize(
    ("planted", "expected", "counts"),
    [
        ({}, "reproduced", [(2, 2)] * 5),
        ({"D": 9e-4}, "partly", [(2, 2), (0, 2), (2, 2), (0, 2), (2, 2)]),
        ({"all_neurons": 10}, "partly", [(2, 2), (2, 2), (0, 2), (0, 2), (2, 2)]),
        ({"alpha": 1, "D": 1, "drift": 1}, "not reproduced", [(0, 2)] * 5),
        ({"steps": (0, 3_000)}, "not measured", [(0, 0)] * 5),
    ],
)
def test_h5_verdicts(planted, expected, counts):
    findings = dynamics.flow_is_training(*flow_tables(**planted))
    assert verdict(findings, True) == expected and deciding_counts(findings) == counts


def test_h5_of_no_network_is_not_measured():
    deviations, invariants = flow_tables()
    findings = dynamics.flow_is_training(deviations[:0], invariants[:0])
    assert verdict(findings, True) == "not measured" and len(findings) == 10


def test_h5_shows_the_last_step_within_the_limits_and_ignores_later_steps():
    findings = dynamics.flow_is_training(*flow_tables(D=9e-4))
    (last,) = (finding for finding in findings if finding.name.startswith("last step"))
    assert last.value == "3,000" and last.n_held == 0
    late = flow_tables(steps=(0, 3_000, 6_000, 60_000))
    assert verdict(dynamics.flow_is_training(*late), True) == "reproduced"


def test_h5_does_not_hold_for_a_flow_that_blew_up():
    deviations, invariants = flow_tables()
    at_end = (deviations["step"] == 6_000) & (deviations["contrast"] == "flow")
    deviations.loc[at_end, [c for c in deviations if c.endswith(("median", "max"))]] = np.nan
    findings = dynamics.flow_is_training(deviations, invariants)
    assert deciding_counts(findings) == [(0, 2)] * 4 + [(2, 2)] and findings[0].value == "> 5.0e-05"


# H6


def lottery_tables(shares, equal=1.0):
    rows = [
        {"arm": arm, "seed": seed, "rule": rule, "share_grown": share if arm == "sgd" else 0.5}
        for arm in ("adamw", "sgd")
        for seed, share in enumerate(shares)
        for rule in LOTTERY_RULES
    ]
    at_equal = [
        {"arm": "equal_magnitudes", "seed": 0, "rule": rule, "share_grown": equal} for rule in LOTTERY_RULES
    ]
    return filled_table(RULES, rows), filled_table(EQUAL, at_equal)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.95, 0.98], "reproduced"),
        ([0.94, 0.98], "partly"),
        ([0.5, 0.94], "not reproduced"),
        ([np.nan, np.nan], "not measured"),
    ],
)
def test_h6_judges_gradient_descent_only(shares, expected):
    findings = dynamics.lottery(*lottery_tables(shares, equal=0.2))
    assert verdict(findings, True) == expected
    assert not findings[-1].decides and (findings[-1].n_held, findings[-1].n_cases) == (0, 1)


# H7


def leakage_tables(error, gradient=0.6):
    ideal = [
        {"p": p, "map": name, "harmonic": r, "error": error if p >= 97 else 1.0}
        for p in (23, 97, 197)
        for name, r in (("input", 3), ("output", 2))
    ]
    start = [
        {"arm": "dense", "seed": seed, "neuron": neuron, "gradient": measured, "ideal": at_ideal}
        for seed, neuron, measured, at_ideal in ((0, 0, 0.6, 0.6), (0, 1, gradient, 0.6), (1, 0, 0.2, 0.2))
    ]
    limits = {("input", 2): 0.0, ("input", 3): 0.6, ("output", 2): 0.2, ("output", 3): 3 / 35}
    shares = [
        {"arm": "dense", "seed": seed, "map": name, "harmonic": r, "step": step}
        | {"limit": limit, "gradient": limit, "weights": limit * step}
        for seed in (0, 1)
        for (name, r), limit in limits.items()
        for step in (0, 2)
    ]
    return filled_table(IDEAL, ideal), filled_table(START, start), filled_table(SHARES, shares)


@pytest.mark.parametrize(("error", "expected"), [(2e-3, "reproduced"), (2.1e-3, "not reproduced")])
def test_h7_judges_the_ideal_neuron_at_large_p(error, expected):
    findings = dynamics.leakage(*leakage_tables(error))
    assert verdict(findings, True) == expected
    assert findings[0].name == "error of the ideal neuron's input harmonics, p = 97, 197"


def test_h7_one_p_alone_holds_in_part():
    ideal, *others = leakage_tables(1e-3)
    ideal.loc[ideal["p"] == 97, "error"] = 3e-3
    assert verdict(dynamics.leakage(ideal, *others), True) == "partly"


def test_h7_shows_trained_neurons_as_context():
    findings = dynamics.leakage(*leakage_tables(1e-3, gradient=0.7))
    context = [finding for finding in findings if not finding.decides]
    assert [(finding.value, finding.n_held, finding.n_cases) for finding in context] == [
        ("0", 1, 2),
        ("0.600", 2, 2),
        ("1.20", 0, 2),
        ("0.200", 2, 2),
        ("0.400", 0, 2),
    ]
