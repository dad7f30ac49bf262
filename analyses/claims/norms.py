"""The claim about where norms end: M8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import amount
from analyses.norms.schema import NORM_LABELS


def zones(summary: Mapping[str, Any]) -> list[Finding]:
    """M8, in every reading of which weights the two norms are of."""
    return [
        Finding(
            name=f"SD of log: {NORM_LABELS[row['l2']]} against {NORM_LABELS[row['l1']]}",
            expected="the first is smaller",
            value=f"{amount(row['l2_log_sd'])} against {amount(row['l1_log_sd'])}",
            n=row["n"],
            held=int(row["smaller"] == "l2"),
            of=1,
        )
        for row in summary["comparisons"]
    ]


CLAIMS = (
    Claim(
        id="M8",
        words="there is one zone of L2 that generalises, and many of L1",
        holds_when="over all networks that generalised, final L2 under the mask spreads less than L1: the "
        "paper does not say which L1, so all readings are here",
        kind="soft",
        evidence=(Evidence("m_norms", (("norms", ".json"),), zones),),
    ),
)
