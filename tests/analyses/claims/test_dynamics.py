"""H5 to H7 on planted tables: they hold, fail, hold partly, and what is not there is not measured."""

import numpy as np
import pandas as pd
import pytest

from analyses.claims import dynamics
from analyses.claims.claim import verdict


def judged(findings):
    return verdict(findings, complete=True)


def counts(findings):
    return [(finding.held, finding.of) for finding in findings if not finding.beside]


# H5


def flow_tables(alpha=1e-4, D=1e-4, all_neurons=1.0, drift=1e-9, steps=(0, 3_000, 6_000)):
    """Differences that grow evenly to the last step; `all_neurons` is the largest over the median."""
    rows, drifts = [], []
    for seed in (0, 1):
        for step in steps:
            share = step / 6_000
            columns = {}
            for name, error in (("input_amplitude", alpha), ("output_amplitude", alpha / 2), ("D", D)):
                columns |= {f"{name}_median": error * share, f"{name}_max": all_neurons * error * share}
            for contrast in ("flow", "softmax", "steps", "warm_up"):
                rows.append({"arm": "dense", "seed": seed, "step": step, "contrast": contrast} | columns)
            for course in ("flow", "trained"):
                own = dict.fromkeys(
                    ("difference_median", "difference_max", "product_median", "product_max"), drift * share
                )
                drifts.append({"arm": "dense", "seed": seed, "step": step, "course": course} | own)
    return pd.DataFrame(rows), pd.DataFrame(drifts)


@pytest.mark.parametrize(
    ("planted", "said", "counted"),
    [
        ({}, "reproduced", [(2, 2)] * 5),
        ({"D": 9e-4}, "partly", [(2, 2), (0, 2), (2, 2), (0, 2), (2, 2)]),
        ({"all_neurons": 10}, "partly", [(2, 2), (2, 2), (0, 2), (0, 2), (2, 2)]),
        ({"alpha": 1, "D": 1, "drift": 1}, "not reproduced", [(0, 2)] * 5),
        ({"steps": (0, 3_000)}, "not measured", [(0, 0)] * 5),
    ],
)
def test_h5(planted, said, counted):
    findings = dynamics.flow_is_training(*flow_tables(**planted))
    assert judged(findings) == said and counts(findings) == counted


def test_h5_tells_to_which_step_it_holds_and_what_comes_later_does_not_count():
    findings = dynamics.flow_is_training(*flow_tables(D=9e-4))
    (last,) = (finding for finding in findings if finding.name.startswith("last step"))
    assert last.value == "3,000" and last.held == 0
    late = flow_tables(steps=(0, 3_000, 6_000, 60_000))
    assert judged(dynamics.flow_is_training(*late)) == "reproduced"


def test_h5_of_a_flow_that_blew_up_before():
    differences, drifts = flow_tables()
    at_end = (differences["step"] == 6_000) & (differences["contrast"] == "flow")
    differences.loc[at_end, [c for c in differences if c.endswith(("median", "max"))]] = np.nan
    findings = dynamics.flow_is_training(differences, drifts)
    assert counts(findings) == [(0, 2)] * 4 + [(2, 2)] and findings[0].value == "> 5.0e-05"


# H6


def lottery_tables(shares, equal=1.0):
    rules = ("min_abs_misalignment", "max_magnitude", "max_aligned_product", "min_blowup_time")
    rows = [
        {"arm": arm, "seed": seed, "rule": rule, "share_grown": share if arm == "sgd" else 0.5}
        for arm in ("adamw", "sgd")
        for seed, share in enumerate(shares)
        for rule in rules
    ]
    at_equal = [{"arm": "equal_magnitudes", "seed": 0, "rule": rule, "share_grown": equal} for rule in rules]
    return pd.DataFrame(rows), pd.DataFrame(at_equal)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.95, 0.98], "reproduced"),
        ([0.94, 0.98], "partly"),
        ([0.5, 0.94], "not reproduced"),
        ([np.nan, np.nan], "not measured"),
    ],
)
def test_h6_is_of_gradient_descent_alone(shares, said):
    findings = dynamics.lottery(*lottery_tables(shares, equal=0.2))
    assert judged(findings) == said
    assert findings[-1].beside and (findings[-1].held, findings[-1].of) == (0, 1)


# H7


def leakage_tables(error, gradient=0.6):
    ideal = pd.DataFrame(
        [
            {"p": p, "map": name, "error": error if p >= 97 else 1.0}
            for p in (23, 97, 197)
            for name in ("input", "output")
        ]
    )
    start = pd.DataFrame({"seed": [0, 0, 1], "gradient": [0.6, gradient, 0.2], "ideal": [0.6, 0.6, 0.2]})
    limits = {("input", 2): 0.0, ("input", 3): 0.6, ("output", 2): 0.2, ("output", 3): 3 / 35}
    through = pd.DataFrame(
        [
            {
                "seed": seed,
                "map": name,
                "harmonic": r,
                "step": step,
                "limit": limit,
                "gradient": limit,
                "weights": limit * step,
            }
            for seed in (0, 1)
            for (name, r), limit in limits.items()
            for step in (0, 2)
        ]
    )
    return ideal, start, through


@pytest.mark.parametrize(("error", "said"), [(2e-3, "reproduced"), (2.1e-3, "not reproduced")])
def test_h7_is_of_the_ideal_neuron_at_large_p(error, said):
    findings = dynamics.leakage(*leakage_tables(error))
    assert judged(findings) == said
    assert findings[0].name == "input harmonics of the ideal neuron, p = 97, 197"


def test_h7_one_p_alone_is_partly():
    ideal, *others = leakage_tables(1e-3)
    ideal.loc[ideal["p"] == 97, "error"] = 3e-3
    assert judged(dynamics.leakage(ideal, *others)) == "partly"


def test_h7_shows_trained_neurons_beside():
    beside = [finding for finding in dynamics.leakage(*leakage_tables(1e-3, gradient=0.7)) if finding.beside]
    assert [(finding.value, finding.held, finding.of) for finding in beside] == [
        ("0", 1, 2),
        ("0.600", 2, 2),
        ("1.20", 0, 2),
        ("0.200", 2, 2),
        ("0.400", 0, 2),
    ]
