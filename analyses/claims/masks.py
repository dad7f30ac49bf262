"""Claim about masks that change in training: M9."""

from __future__ import annotations

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import rows_of_first
from analyses.masks.schema import PEAKS
from analyses.tables.long_format import groups, records
from interp.masks.topk import GLOBAL

MOST_STEPS = 4000
"""Two of the intervals between the masks that the paper compares, in steps."""


def turnover(peaks: pd.DataFrame) -> list[Finding]:
    """Judge M9 by the whole mask, with the part of each matrix as context."""
    dense = rows_of_first(peaks, "dense")
    findings = {layer: _lag_finding(str(layer), rows) for (layer,), rows in groups(dense, ["layer"])}
    whole = findings.pop(GLOBAL, None) or _lag_finding(GLOBAL, dense.iloc[:0])
    return [whole, *(finding.as_context() for finding in findings.values())]


def _lag_finding(layer: str, peaks: pd.DataFrame) -> Finding:
    rows = records(peaks[peaks["holds"].notna()])
    label = "the whole mask" if layer == GLOBAL else layer
    return Finding(
        name=f"steps from the largest rise of test accuracy to the largest change of {label}",
        expected=f"at most {MOST_STEPS:,}, either way",
        value=", ".join(f"{row['lag']:,.0f}" for row in rows) + " (by seed)" if rows else "no network",
        n=len(rows),
        n_held=sum(abs(row["lag"]) <= MOST_STEPS for row in rows),
        n_cases=len(rows),
    )


CLAIMS = (
    Claim(
        id="M9",
        statement="masks turn over at generalisation",
        holds_when="from step 2,000 on the largest Jaccard distance between masks 2,000 steps apart is "
        "within 4,000 steps of the largest rise of accuracy, in every seed",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (PEAKS,), turnover),),
    ),
)
