"""The claim about periodicity: M10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.tables.long_format import step_range

WAYS = {
    "half_fall_step": "half fallen",
    "dense_level_step": "at the level of dense half fallen",
}


def early(summary: Mapping[str, Any]) -> list[Finding]:
    """M10, of both maps, by the curve's own half fall and by the dense network's level."""
    falls = {(row["arm"], row["map"], row["seed"]): row for row in summary["falls"]}
    findings = []
    for name in dict.fromkeys(row["map"] for row in summary["falls"]):
        seeds = [
            s for arm, at, s in falls if (arm, at) == ("grokked_ticket", name) and ("dense", at, s) in falls
        ]
        for way, words in WAYS.items():
            ticket, dense = ([falls[arm, name, s][way] for s in seeds] for arm in ("grokked_ticket", "dense"))
            earlier = [_before(a, b) for a, b in zip(ticket, dense, strict=True)]
            findings.append(
                Finding(
                    name=f"{name} entropy {words}",
                    expected="sooner in the ticket",
                    value=f"{step_range(ticket)} against {step_range(dense)}",
                    interval="ranges over seeds",
                    n=len(seeds),
                    held=sum(earlier),
                    of=len(seeds),
                )
            )
    return findings


def _before(ticket: int | None, dense: int | None) -> bool:
    return ticket is not None and (dense is None or ticket < dense)


CLAIMS = (
    Claim(
        id="M10",
        words="periodicity comes early in tickets",
        holds_when="Shannon entropy of the neurons' spectra falls sooner in the ticket than in dense, in "
        "every seed",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (("fourier", ".json"),), early),),
    ),
)
