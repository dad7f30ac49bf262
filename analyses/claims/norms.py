"""Claim about the norms at which networks generalise: M8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import amount_text
from analyses.norms.schema import ANALYSIS, NORM_LABELS


def zones(summary: Mapping[str, Any]) -> list[Finding]:
    """Judge M8 for every reading of which weights the two norms are of."""
    return [
        Finding(
            name=f"SD of the logarithm of {NORM_LABELS[row['l2']]}, against that of {NORM_LABELS[row['l1']]}",
            expected="the first is smaller",
            value=f"{amount_text(row['l2_log_sd'])} against {amount_text(row['l1_log_sd'])}",
            n=row["n"],
            n_held=int(row["smaller"] == "l2"),
            n_cases=1,
        )
        for row in summary["comparisons"]
    ]


CLAIMS = (
    Claim(
        id="M8",
        statement="there is one zone of L2 that generalises, and many of L1",
        holds_when="over all networks that generalised, the final L2 norm of the kept weights spreads less "
        "than L1: the paper does not say which L1, so all readings are here",
        kind="soft",
        evidence=(Evidence("m_norms", (ANALYSIS,), zones),),
    ),
)
