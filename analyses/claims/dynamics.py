"""The claims about how frequencies grow: the decoupled flow, the lottery, the ReLU's leakage; H5 to H7."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import Limit, by_seed, every_seed
from analyses.flow.command import UNTIL
from analyses.tables.long_format import groups
from interp.statistics.censored_times import Bounded

AMPLITUDE, ANGLE, DRIFT = Limit(most=2e-4), Limit(most=5e-4), Limit(most=2e-7)
QUANTITIES = {
    "α and β": (("input_amplitude", "output_amplitude"), AMPLITUDE),
    "D": (("D",), ANGLE),
}
NEURONS = {"median": "median neuron", "max": "all neurons"}
PARTS = {
    "softmax": "of it, that the softmax is not uniform",
    "steps": "of it, finite steps and float32",
    "warm_up": "what a clock without the warm-up would add",
}


def flow_is_training(differences: pd.DataFrame, invariants: pd.DataFrame) -> list[Finding]:
    """H5, of the median neuron and of all, as the source does not say which; and where it comes from."""
    trained = _of(differences, "contrast", "flow")
    findings = [
        every_seed(f"{name}, {words}, worst step", limit, _worst(trained, [f"{c}_{part}" for c in columns]))
        for part, words in NEURONS.items()
        for name, (columns, limit) in QUANTITIES.items()
    ]
    of_flow, of_trained = (_of(invariants, "course", course) for course in ("flow", "trained"))
    drift = _worst(of_flow, ["difference_max", "product_max"])
    findings.append(every_seed("invariants of the flow, all neurons", DRIFT, drift))
    beside = [
        every_seed(
            f"D, median neuron: {words}", ANGLE, _worst(_of(differences, "contrast", contrast), ["D_median"])
        )
        for contrast, words in PARTS.items()
    ]
    kept = _last_step_within(trained)
    beside.append(every_seed("last step to which median α, β and D all are so", Limit(UNTIL), kept))
    drift = _worst(of_trained, ["difference_median", "product_median"])
    beside.append(every_seed("invariants of the training, median neuron", DRIFT, drift))
    return findings + [replace(finding, beside=True) for finding in beside]


def lottery(rules: pd.DataFrame, equal: pd.DataFrame) -> list[Finding]:
    """H6 of the neurons that gradient descent made grow; beside it, the least |D| there and where all
    frequencies begin equally large."""
    sgd = _of(rules, "arm", "sgd")
    names = {"min_blowup_time": "least blow-up time", "max_aligned_product": "largest α²β cos D"}
    names |= {"max_magnitude": "largest α", "min_abs_misalignment": "least |D|"}
    earliest, *others = (
        every_seed(
            f"share of grown neurons: {words}",
            Limit(0.95),
            by_seed(_of(sgd, "rule", rule).dropna(subset="share_grown"), "share_grown"),
        )
        for rule, words in names.items()
    )
    at_equal = by_seed(_of(equal, "rule", "min_abs_misalignment"), "share_grown")
    others.append(every_seed("least |D| from equal magnitudes, simulated", Limit(0.95), at_equal))
    return [earliest, *(replace(finding, beside=True) for finding in others)]


def leakage(ideal: pd.DataFrame, start: pd.DataFrame, through: pd.DataFrame) -> list[Finding]:
    """H7 of the ideal neuron at every p; beside it, what trained neurons show, whose p is smaller."""
    large, near = ideal[ideal["p"] >= 97], Limit(most=2e-3)
    findings = [
        Finding(
            name=f"{name} harmonics of the ideal neuron, p = {', '.join(map(str, own['p']))}",
            expected=str(near),
            value=f"{own['error'].max():.2g}",
            interval="largest of all harmonics and phases",
            n=0,
            held=int((own["error"] <= near.most).sum()),
            of=len(own),
        )
        for (name,), own in groups(large, ["map"])
    ]
    off = start.assign(off=(start["gradient"] - start["ideal"]).abs())
    largest = {seed: Bounded(float(own["off"].max())) for (seed,), own in groups(off, ["seed"])}
    beside = [every_seed("any neuron's gradient at the start, against the ideal one's", near, largest)]
    shown = through[((through["map"] == "input") & (through["harmonic"] == 3)) | (through["harmonic"] == 2)]
    for (name, r), own in groups(shown[shown["limit"] > 0], ["map", "harmonic"]):
        limit = float(own["limit"].iloc[0])
        around = Limit(round(limit - near.most, 3), round(limit + near.most, 3))
        first, last = (own[own["step"] == step] for step in (own["step"].min(), own["step"].max()))
        beside += [
            every_seed(
                f"{name} r = {r}, gradient of aligned neurons at the start",
                around,
                by_seed(first, "gradient"),
            ),
            every_seed(
                f"{name} r = {r}, weights of aligned neurons at the end", around, by_seed(last, "weights")
            ),
        ]
    return findings + [replace(finding, beside=True) for finding in beside]


def _of(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    return table[table[column] == value]


def _worst(table: pd.DataFrame, columns: list[str]) -> dict[int, Bounded]:
    """The largest number up to the claim's step, by seed if its table goes so far; a bound after blow-up."""
    found = {}
    for (seed,), own in groups(table[table["step"] <= UNTIL], ["seed"]):
        if own["step"].max() == UNTIL:
            numbers = own[columns].to_numpy()
            found[seed] = Bounded(float(np.nanmax(numbers)), ">" if np.isnan(numbers).any() else "=")
    return found


def _last_step_within(table: pd.DataFrame) -> dict[int, Bounded]:
    """By seed, the last step before the first at which some median is beyond its limit."""
    found = {}
    for (seed,), own in groups(table, ["seed"]):
        within = np.ones(len(own), dtype=bool)
        for columns, limit in QUANTITIES.values():
            within &= (own[[f"{c}_median" for c in columns]] <= limit.most).all(axis=1).to_numpy()
        until = len(own) if within.all() else int(within.argmin())
        found[seed] = Bounded(float(own["step"].iloc[until - 1]))
    return found


CLAIMS = (
    Claim(
        id="H5",
        words="the decoupled flow is the training",
        holds_when="amplitudes within 2e-4 and D within 5e-4 of SGD to step 6,000; invariants drift at "
        "most 2e-7",
        kind="hard",
        evidence=(
            Evidence(
                "h_quad_single_freq",
                (("flow", ".parquet"), ("flow", "_invariants.parquet")),
                flow_is_training,
            ),
        ),
    ),
    Claim(
        id="H6",
        words="a neuron's frequency is decided by a lottery at the start",
        holds_when="the least blow-up time names at least 95 % of grown Quad-SGD neurons; |D| alone only at "
        "equal amplitudes",
        kind="hard",
        evidence=(Evidence("h_quad", (("lottery", ".parquet"), ("lottery", "_equal.parquet")), lottery),),
    ),
    Claim(
        id="H7",
        words="ReLU leaks into harmonics by known ratios",
        holds_when="3/|r²−4| and 3/(4r²−1) within 2e-3 for p of 97 and more",
        kind="hard",
        evidence=(
            Evidence(
                "h_relu_single_freq",
                (("leakage", "_ideal.parquet"), ("leakage", "_start.parquet"), ("leakage", ".parquet")),
                leakage,
            ),
        ),
    ),
)
