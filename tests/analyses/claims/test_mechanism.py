"""H1 to H4 and H8 on planted tables: held, failed, held in part."""

import math

import pandas as pd
import pytest
from builders import filled_table

from analyses.claims import mechanism
from analyses.claims.claim import verdict
from analyses.fourier.schema import MEANS as SPECTRUM_MEANS
from analyses.logits.schema import FITS, IDEAL
from analyses.phases.schema import MEANS as PHASE_MEANS
from analyses.stages.schema import CURVES, ENDS


def two_checkpoints(table, **columns):
    """Return two checkpoints of a network, and of a second that fails."""
    rows = [
        {"arm": "dense", "seed": 42, "step": step} | {name: values[i] for name, values in columns.items()}
        for i, step in enumerate((0, 5_000))
    ]
    others = [{"arm": "other", "seed": 42, "step": step} for step in (0, 5_000)]
    if "map" in columns:
        others = [row | {"map": columns["map"][0]} for row in others]
    return filled_table(table, rows + others, {"dense": "dense", "other": "dense"})


@pytest.mark.parametrize(
    ("share", "input_ipr", "expected"),
    [
        (0.98, 0.62, "reproduced"),
        (0.96, 0.62, "partly"),
        (0.98, 0.66, "partly"),
        (0.96, 0.5, "not reproduced"),
    ],
)
def test_h1_takes_the_mean_of_both_maps_at_the_end(share, input_ipr, expected):
    spectra = [
        two_checkpoints(SPECTRUM_MEANS, map=[name] * 2, ipr_frequency=[0.17, ipr])
        for name, ipr in (("input", input_ipr), ("output", 0.69))
    ]
    phases = two_checkpoints(PHASE_MEANS, same_frequency=[0.1, share])
    findings = mechanism.features(phases, pd.concat(spectra))
    assert verdict(findings, True) == expected
    assert [f.decides for f in findings] == [True, True, False, False]


@pytest.mark.parametrize(
    ("sin", "cos", "expected"),
    [
        ([0.64, 0.09], [0.0, 0.99], "reproduced"),
        ([0.64, 0.09], [0.0, -0.99], "partly"),  # opposed phases have the same sines
        ([0.5, 0.2], [0.0, 0.9], "not reproduced"),
    ],
)
def test_h2_needs_the_cosine_and_the_start(sin, cos, expected):
    means = two_checkpoints(PHASE_MEANS, mean_abs_sin=sin, mean_cos=cos)
    assert verdict(mechanism.alignment(means), True) == expected


def test_h3_is_judged_by_the_counts_and_shows_the_resultants():
    def findings(p_value):
        resultants = {f"R_{order}": [0.5, 0.1 * order] for order in range(1, 5)}
        return mechanism.diversity(
            two_checkpoints(PHASE_MEANS, chi2_p_value=[0.5, p_value], rayleigh=[0.25, 0.25], **resultants)
        )

    assert [verdict(findings(p), True) for p in (0.02, 0.01)] == ["reproduced", "not reproduced"]
    assert [f.n_held for f in findings(0.02) if not f.decides] == [1, 1, 0, 0]


def test_h4_judges_ideal_neurons_and_shows_trained_ones():
    errors = [1, 1, 1e-14, 1, *[1e-13] * 4]
    ideal = filled_table(IDEAL, {"n_neurons": range(1, 9), "error": errors})
    rows = [
        {"arm": "dense", "seed": 42, "step": step, "ratio": ratio, "r2": r2}
        for step, ratio, r2 in ((0, 9.0, 0.0), (5_000, 0.2, 0.95))
    ]
    exact, *trained = mechanism.indicator(filled_table(FITS, rows), ideal)
    assert (exact.n_held, exact.n_cases) == (5, 5) and verdict([exact, *trained], True) == "reproduced"
    assert [(f.decides, f.n_held) for f in trained] == [(False, 0), (False, 1)]
    wrong = ideal.assign(error=ideal["error"].where(ideal["n_neurons"] != 3, 1e-9))
    assert verdict(mechanism.indicator(filled_table(FITS, rows), wrong), True) == "partly"
    assert verdict(mechanism.indicator(filled_table(FITS, rows), ideal.assign(error=1.0)), True) == (
        "not reproduced"
    )


def stage_findings(stuck_at=98 / 133, **changes):
    row = {"arm": "dense", "seed": 42, "plateau": 98 / 133, "norm_peak_step": 9_400, "test_acc": 0.96}
    row |= {"stage_1_end": 1_750, "stage_1_end_after": 1_740, "stage_1_end_interval": ""}
    row |= {"stage_2_end": 10_210, "stage_2_end_after": 10_200, "stage_2_end_interval": ""}
    row |= {"common": 600, "common_after": 500, "common_interval": ""}
    row |= {"rare": 2_000, "rare_after": 1_900, "rare_interval": ""}
    accuracies = zip([0.1, 1, 1, 1], [0, stuck_at, 0.8, 1], strict=True)
    curve = [
        {"arm": "dense", "seed": 42, "step": step, "train_acc": train, "test_acc": test}
        for step, (train, test) in enumerate(accuracies)
    ]
    return mechanism.stages(filled_table(ENDS, [row | changes]), filled_table(CURVES, curve))


def test_h8_holds_and_fails_part_by_part():
    assert verdict(stage_findings(), True) == "reproduced"
    for changes in (
        {"stage_1_end": 2_500},
        {"stage_2_end": math.nan, "stage_2_end_after": 50_000},
        {"plateau": 0.7},
        {"stuck_at": 0.74},
        {"common_after": 1_900, "common": 2_000},
        {"common": math.nan, "common_after": 50_000},
    ):
        assert verdict(stage_findings(**changes), True) == "partly", changes
    assert verdict(stage_findings(rare=math.nan, rare_after=50_000), True) == "reproduced"


def test_h8_does_not_hold_for_pairs_that_were_never_memorised():
    never = {"common": math.nan, "common_after": 50_000, "rare": math.nan, "rare_after": 50_000}
    (finding,) = (f for f in stage_findings(**never) if "common" in f.name)
    assert finding.value == "never (by seed) against never (by seed)" and finding.n_held == 0
