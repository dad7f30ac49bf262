"""The claim about masks through training: M9."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.tables.long_format import groups, records
from interp.masks.topk import GLOBAL

WITHIN = 4000
"""Steps; two of the intervals between the masks that the paper compares."""


def turnover(peaks: pd.DataFrame) -> list[Finding]:
    """M9 of the whole mask; each matrix' own part of it stands beside."""
    dense = peaks[peaks["arm"] == "dense"]
    found = {layer: _lags(str(layer), own) for (layer,), own in groups(dense, ["layer"])}
    whole = found.pop(GLOBAL, None) or _lags(GLOBAL, dense.iloc[:0])
    return [whole, *(replace(part, beside=True) for part in found.values())]


def _lags(layer: str, own: pd.DataFrame) -> Finding:
    rows = records(own[own["holds"].notna()])
    of = "the whole mask" if layer == GLOBAL else layer
    return Finding(
        name=f"steps from the largest rise of accuracy to the Jaccard peak of {of}",
        expected=f"at most {WITHIN:,}, either way",
        value=", ".join(f"{row['lag']:,.0f}" for row in rows) + " (by seed)" if rows else "no network",
        n=len(rows),
        held=sum(abs(row["lag"]) <= WITHIN for row in rows),
        of=len(rows),
    )


CLAIMS = (
    Claim(
        id="M9",
        words="masks turn over at generalisation",
        holds_when="from step 2,000 on the largest Jaccard distance between masks 2,000 steps apart is "
        "within 4,000 steps of the largest rise of accuracy, in every seed",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (("masks", "_peaks.parquet"),), turnover),),
    ),
)
