"""Claims about the mechanism of modular addition: H1 to H4 and H8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import Limit, amount_text, finding_by_seed, rows_of_first, values_by_seed
from analyses.fourier.schema import MEANS as SPECTRUM_MEANS
from analyses.logits.schema import FITS, IDEAL
from analyses.phases.schema import MEANS as PHASE_MEANS
from analyses.stages.schema import CURVES, ENDS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups, records
from interp.statistics.censored_times import Bounded

STAGE_ENDS = {"stage_1_end": 1_744, "stage_2_end": 9_431}
"""Published steps of p = 23."""
TOLERANCE = 0.25
"""Share of a published step by which ours may differ."""
PLATEAU = 0.7368
"""Published test accuracy of p = 23 between the stages, in these digits."""
EXACT_NEURONS = (3, 5)
"""Numbers of neurons per frequency with an exact closed form: 3, and from 5 on."""
PUBLISHED_IPR = Limit(0.63, 0.67)


def features(phase_means: pd.DataFrame, spectrum_means: pd.DataFrame) -> list[Finding]:
    """Judge H1.

    The published IPR is the mean over both maps: that mean, and neither map alone, has its digits from step 0
    on.
    """
    _, phases = first_and_last(rows_of_first(phase_means, "dense"))
    _, spectra = first_and_last(rows_of_first(spectrum_means, "dense"))
    both_maps = spectra.groupby("seed")["ipr_frequency"].mean().reset_index()
    return [
        finding_by_seed(
            "share of neurons with one frequency in both weights",
            Limit(0.97),
            values_by_seed(phases, "same_frequency"),
        ),
        finding_by_seed(
            "inverse participation ratio (IPR), mean over input and output weights",
            PUBLISHED_IPR,
            values_by_seed(both_maps, "ipr_frequency"),
        ),
        *(
            finding_by_seed(
                f"IPR of the {name} weights", PUBLISHED_IPR, values_by_seed(rows, "ipr_frequency")
            ).as_context()
            for (name,), rows in groups(spectra, ["map"])
        ),
    ]


def alignment(phase_means: pd.DataFrame) -> list[Finding]:
    """Judge H2."""
    first, last = first_and_last(rows_of_first(phase_means, "dense"))
    random_phases = 2 / np.pi
    return [
        finding_by_seed("mean |sin D|", Limit(most=0.12), values_by_seed(last, "mean_abs_sin")),
        finding_by_seed("mean cos D", Limit(0.98), values_by_seed(last, "mean_cos")),
        finding_by_seed(
            "mean |sin D| at the start",
            Limit(round(random_phases - 0.03, 4), round(random_phases + 0.03, 4)),
            values_by_seed(first, "mean_abs_sin"),
        ),
    ]


def diversity(phase_means: pd.DataFrame) -> list[Finding]:
    """Judge H3, with resultant lengths of the phases as context."""
    _, last = first_and_last(rows_of_first(phase_means, "dense"))
    findings = [
        finding_by_seed(
            "p-value of χ² against equal use of all frequencies",
            Limit(0.01, strict=True),
            values_by_seed(last, "chi2_p_value"),
        )
    ]
    for order in range(1, 5):
        quotient = last.assign(quotient=last[f"R_{order}"] / last["rayleigh"])
        findings.append(
            finding_by_seed(
                f"resultant length of order {order} / that of independent phases",
                Limit(most=1, strict=True),
                values_by_seed(quotient, "quotient"),
            ).as_context()
        )
    return findings


def indicator(fits: pd.DataFrame, ideal: pd.DataFrame) -> list[Finding]:
    """Judge H4 by ideal neurons, with the fit of trained networks as context."""
    three, more = EXACT_NEURONS
    exact = ideal[(ideal["n_neurons"] == three) | (ideal["n_neurons"] >= more)]
    _, last = first_and_last(fits)
    trained = [
        finding_by_seed(f"{label}, {arm_label(arm)}", limit, values_by_seed(rows, column)).as_context()
        for (arm,), rows in groups(last, ["arm"])
        for column, label, limit in (
            ("ratio", "fitted ghost / main", Limit(0.45, 0.55)),
            ("r2", "R² of the fit", Limit(0.9)),
        )
    ]
    error, most = float(exact["error"].max()), exact["n_neurons"].max()
    return [
        Finding(
            name=f"largest error of the closed form, {three} and {more} to {most} neurons per frequency",
            expected="at most 1e-10",
            value=amount_text(error),
            n=0,
            n_held=int((exact["error"] <= 1e-10).sum()),
            n_cases=len(exact),
        ),
        *trained,
    ]


def stages(end_rows: pd.DataFrame, curves: pd.DataFrame) -> list[Finding]:
    """Judge H8."""
    ends, curve = rows_of_first(end_rows, "dense"), rows_of_first(curves, "dense")
    stage_ends = [
        finding_by_seed(
            f"end of stage {place} (published: {published:,})",
            Limit(round(published * (1 - TOLERANCE)), round(published * (1 + TOLERANCE))),
            {int(row["seed"]): _step_or_bound(row, name) for row in records(ends)},
        )
        for place, (name, published) in enumerate(STAGE_ENDS.items(), start=1)
    ]
    norm_peak = ends.assign(quotient=ends["norm_peak_step"] / ends["stage_2_end"])
    return [
        *stage_ends,
        *_plateau_findings(ends, curve),
        _order_finding(ends),
        finding_by_seed(
            "step of the largest weight norm / end of stage 2",
            Limit(1 - TOLERANCE, 1 + TOLERANCE),
            values_by_seed(norm_peak.dropna(subset="quotient"), "quotient"),
        ).as_context(),
        finding_by_seed(
            "test accuracy at the end (published: .9624)", Limit(0.95), values_by_seed(ends, "test_acc")
        ).as_context(),
    ]


def _plateau_findings(ends: pd.DataFrame, curve: pd.DataFrame) -> list[Finding]:
    """Return the findings on test accuracy once the training set is memorised."""
    memorised = curve[curve["train_acc"] == 1].groupby("seed")["test_acc"].first()
    difference = memorised.reindex(ends["seed"]) - ends.set_index("seed")["plateau"]
    return [
        Finding(
            name="share of test pairs whose other order is trained on",
            expected=f"{PLATEAU}, as published",
            value=_list_by_seed(ends["plateau"], ".4f"),
            n=len(ends),
            n_held=int((ends["plateau"].round(4) == PLATEAU).sum()),
            n_cases=len(ends),
        ),
        Finding(
            name="test accuracy less that share, once the training set is memorised",
            expected="0 to 1e-12",
            value=_list_by_seed(difference, ".1g", missing="never memorised"),
            n=len(ends),
            n_held=int((difference.abs() <= 1e-12).sum()),
            n_cases=len(ends),
        ),
    ]


def _order_finding(ends: pd.DataFrame) -> Finding:
    """Return the finding on common pairs, trained on in both orders, and rare ones."""
    common_first = [
        _step_or_bound(row, "common").bound == "=" and row["common"] <= row["rare_after"]
        for row in records(ends)
    ]
    return Finding(
        name="step at which common pairs are memorised, against rare pairs",
        expected="common first",
        value=f"{_list_by_seed(ends['common'], ',.0f')} against {_list_by_seed(ends['rare'], ',.0f')}",
        n=len(ends),
        n_held=sum(common_first),
        n_cases=len(ends),
    )


def _step_or_bound(row: Mapping[str, Any], name: str) -> Bounded:
    """Return a step, or the number of steps within which it never came."""
    step = row[name]
    return Bounded(float(row[f"{name}_after"]), ">") if pd.isna(step) else Bounded(float(step))


def _list_by_seed(values: pd.Series, number_format: str, missing: str = "never") -> str:
    texts = [missing if pd.isna(value) else format(value, number_format) for value in values]
    return f"{', '.join(texts)} (by seed)"


CLAIMS = (
    Claim(
        id="H1",
        statement="neurons are Fourier features",
        holds_when="input and output frequency agree for at least 97 % of the neurons; the inverse "
        "participation ratio is .63 to .67, as a mean over input and output weights",
        kind="hard",
        evidence=(Evidence("h_standard", (PHASE_MEANS, SPECTRUM_MEANS), features),),
    ),
    Claim(
        id="H2",
        statement="output phases are twice the input phases",
        holds_when="with D = 2 × input phase − output phase, mean |sin D| is at most .12 and mean cos D at "
        "least .98; at the start, mean |sin D| is 2/π within .03",
        kind="hard",
        evidence=(Evidence("h_standard", (PHASE_MEANS,), alignment),),
    ),
    Claim(
        id="H3",
        statement="neurons spread over frequencies and phases",
        holds_when="χ² against uniform frequencies has p above .01; resultant lengths of the phases are "
        "reported with those of independent phases",
        kind="medium",
        evidence=(Evidence("h_standard", (PHASE_MEANS,), diversity),),
    ),
    Claim(
        id="H4",
        statement="the output of ideal neurons is the flawed indicator",
        holds_when="ideal neurons give it to 1e-10; of trained networks the fitted ratio is reported",
        kind="hard",
        evidence=(Evidence("h_quad", (FITS, IDEAL), indicator),),
    ),
    Claim(
        id="H8",
        statement="grokking has three stages, and pairs are memorised class by class",
        holds_when="stages end within a quarter of the published steps; once the training set is memorised, "
        "test accuracy is exactly the share of test pairs whose other order is trained on; common pairs "
        "(trained on in both orders) are memorised before rare ones (in one order)",
        kind="hard",
        evidence=(Evidence("h_grokking", (ENDS, CURVES), stages),),
    ),
)
