"""Claims about how frequencies grow: H5 to H7."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import Limit, finding_by_seed, rows_of_first, values_by_seed
from analyses.flow.schema import DEVIATIONS, INVARIANTS, UNTIL
from analyses.leakage.schema import IDEAL, SHARES, START
from analyses.lottery.schema import EQUAL, RULES
from analyses.tables.labels import LOTTERY_RULES
from analyses.tables.long_format import groups
from interp.statistics.censored_times import Bounded

ANGLE_LIMIT, DRIFT_LIMIT = Limit(most=5e-4), Limit(most=2e-7)
QUANTITIES = {
    "amplitudes α and β": (("input_amplitude", "output_amplitude"), Limit(most=2e-4)),
    "misalignment D": (("D",), ANGLE_LIMIT),
}
"""Columns and limit of each compared quantity."""
NEURONS = {"median": "median neuron", "max": "worst neuron"}
SOURCES = {
    "softmax": "part from the softmax not being uniform",
    "steps": "part from finite steps and float32",
    "warm_up": "additional part if the clock ignores the warm-up",
}
"""Contrasts that each isolate one source of the difference in D."""

GRADIENT_DESCENT = "sgd"
"""Arm of `h_quad` that is trained by gradient descent."""
DECIDING_RULE = "min_blowup_time"
CONTEXT_RULES = ("max_aligned_product", "max_magnitude", "min_abs_misalignment")

LARGE_P = 97
RATIO_LIMIT = Limit(most=2e-3)
"""Distance from the ratio's limit of large p."""


def flow_is_training(deviations: pd.DataFrame, invariants: pd.DataFrame) -> list[Finding]:
    """Judge H5 by the median neuron and by the worst.

    The paper does not say which neuron its numbers are of. The sources of the difference are context.
    """
    by_contrast = {name: rows for (name,), rows in groups(rows_of_first(deviations, "dense"), ["contrast"])}
    by_course = {name: rows for (name,), rows in groups(rows_of_first(invariants, "dense"), ["course"])}
    trained = by_contrast.get("flow", deviations[:0])

    def drift(course: str, part: str) -> dict[int, Bounded]:
        rows = by_course.get(course, invariants[:0])
        return _largest_by_seed(rows, [f"difference_{part}", f"product_{part}"])

    return [
        *(
            finding_by_seed(
                f"largest difference in {quantity}, {neuron}",
                limit,
                _largest_by_seed(trained, [f"{column}_{part}" for column in columns]),
            )
            for part, neuron in NEURONS.items()
            for quantity, (columns, limit) in QUANTITIES.items()
        ),
        finding_by_seed(
            "largest drift of the flow's invariants, worst neuron", DRIFT_LIMIT, drift("flow", "max")
        ),
        *(
            finding_by_seed(
                f"difference in D, median neuron: {label}",
                ANGLE_LIMIT,
                _largest_by_seed(by_contrast.get(contrast, deviations[:0]), ["D_median"]),
            ).as_context()
            for contrast, label in SOURCES.items()
        ),
        finding_by_seed(
            "last step up to which median differences are within their limits",
            Limit(UNTIL),
            _last_step_within(trained),
        ).as_context(),
        finding_by_seed(
            "largest drift of the training's invariants, median neuron",
            DRIFT_LIMIT,
            drift("trained", "median"),
        ).as_context(),
    ]


def lottery(rules: pd.DataFrame, equal: pd.DataFrame) -> list[Finding]:
    """Judge H6 by the grown neurons of gradient descent, with other rules as context."""
    of_arm = rules[rules["arm"] == GRADIENT_DESCENT]
    deciding, *context = (
        finding_by_seed(
            f"share of grown neurons predicted by {LOTTERY_RULES[rule]}",
            Limit(0.95),
            values_by_seed(of_arm[of_arm["rule"] == rule].dropna(subset="share_grown"), "share_grown"),
        )
        for rule in (DECIDING_RULE, *CONTEXT_RULES)
    )
    at_equal = values_by_seed(equal[equal["rule"] == "min_abs_misalignment"], "share_grown")
    context.append(
        finding_by_seed(
            "share predicted by least |D|, simulated from equal amplitudes", Limit(0.95), at_equal
        )
    )
    return [deciding, *(finding.as_context() for finding in context)]


def leakage(ideal: pd.DataFrame, start: pd.DataFrame, shares: pd.DataFrame) -> list[Finding]:
    """Judge H7 by the ideal neuron at large p.

    Trained neurons, whose p is smaller, are context.
    """
    findings = [
        Finding(
            name=f"error of the ideal neuron's {name} harmonics, p = {', '.join(map(str, rows['p']))}",
            expected=str(RATIO_LIMIT),
            value=f"{rows['error'].max():.2g}",
            interval="largest of all harmonics and phases",
            n=0,
            n_held=int((rows["error"] <= RATIO_LIMIT.most).sum()),
            n_cases=len(rows),
        )
        for (name,), rows in groups(ideal[ideal["p"] >= LARGE_P], ["map"])
    ]
    trained = rows_of_first(start, "dense")
    distance = trained.assign(distance=(trained["gradient"] - trained["ideal"]).abs())
    at_start = finding_by_seed(
        "largest distance of a neuron's gradient at the start from the ideal neuron's",
        RATIO_LIMIT,
        values_by_seed(distance.groupby("seed")["distance"].max().reset_index(), "distance"),
    )
    return [*findings, at_start.as_context(), *_aligned_neurons(rows_of_first(shares, "dense"))]


def _aligned_neurons(shares: pd.DataFrame) -> list[Finding]:
    """Return the findings on the aligned neurons' gradients and weights, as context."""
    is_shown = ((shares["map"] == "input") & (shares["harmonic"] == 3)) | (shares["harmonic"] == 2)
    findings = []
    for (name, r), rows in groups(shares[is_shown & (shares["limit"] > 0)], ["map", "harmonic"]):
        limit = float(rows["limit"].iloc[0])
        around = Limit(round(limit - RATIO_LIMIT.most, 3), round(limit + RATIO_LIMIT.most, 3))
        for column, step, when in (
            ("gradient", rows["step"].min(), "at the start"),
            ("weights", rows["step"].max(), "at the end"),
        ):
            finding = finding_by_seed(
                f"{name} harmonic r = {r} over r = 1, {column} of aligned neurons {when}",
                around,
                values_by_seed(rows[rows["step"] == step], column),
            )
            findings.append(finding.as_context())
    return findings


def _largest_by_seed(table: pd.DataFrame, columns: list[str]) -> dict[int, Bounded]:
    """Return the largest number up to the claim's last step.

    It is a bound if the flow has blown up by then. A seed whose table ends earlier is left out.
    """
    largest = {}
    for (seed,), rows in groups(table[table["step"] <= UNTIL], ["seed"]):
        if rows["step"].max() == UNTIL:
            numbers = rows[columns].to_numpy()
            largest[seed] = Bounded(float(np.nanmax(numbers)), ">" if np.isnan(numbers).any() else "=")
    return largest


def _last_step_within(deviations: pd.DataFrame) -> dict[int, Bounded]:
    """Return by seed the last step before a median difference first exceeds its limit."""
    last_steps = {}
    for (seed,), rows in groups(deviations, ["seed"]):
        within = np.ones(len(rows), dtype=bool)
        for columns, limit in QUANTITIES.values():
            medians = rows[[f"{column}_median" for column in columns]]
            within &= (medians <= limit.most).all(axis=1).to_numpy()
        n_within = len(rows) if within.all() else int(within.argmin())
        last_steps[seed] = Bounded(float(rows["step"].iloc[n_within - 1]))
    return last_steps


CLAIMS = (
    Claim(
        id="H5",
        statement="the decoupled flow is the training",
        holds_when="amplitudes within 2e-4 and D within 5e-4 of SGD up to step 6,000; invariants drift at "
        "most 2e-7",
        kind="hard",
        evidence=(Evidence("h_quad_single_freq", (DEVIATIONS, INVARIANTS), flow_is_training),),
    ),
    Claim(
        id="H6",
        statement="a neuron's frequency is decided by a lottery at the start",
        holds_when="the least blow-up time names the frequency of at least 95 % of the grown neurons, for "
        "σ = x² and SGD; |D| alone does so only at equal amplitudes",
        kind="hard",
        evidence=(Evidence("h_quad", (RULES, EQUAL), lottery),),
    ),
    Claim(
        id="H7",
        statement="ReLU leaks into harmonics by known ratios",
        holds_when="ratios are 3/|r²−4| and 3/(4r²−1) within 2e-3 for p of 97 and more",
        kind="hard",
        evidence=(Evidence("h_relu_single_freq", (IDEAL, START, SHARES), leakage),),
    ),
)
