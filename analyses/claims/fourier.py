"""Claim about the periodicity of weights: M10."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import first_arm
from analyses.fourier.schema import ANALYSIS, MEANS
from analyses.tables.number_text import step_range

FALLS = {
    "half_fall_step": "entropy of the {} weights has half fallen",
    "dense_level_step": "entropy of the {} weights is at the dense network's half level",
}


def early(means: pd.DataFrame, summary: Mapping[str, Any]) -> list[Finding]:
    """Judge M10 for both maps.

    A curve's fall is read at its own half level, and at the dense network's.
    """
    dense, ticket = first_arm(means, "dense"), first_arm(means, "ticket")
    falls = {(row["arm"], row["map"], row["seed"]): row for row in summary["falls"]}
    findings = []
    for name in dict.fromkeys(row["map"] for row in summary["falls"]):
        seeds = [
            seed
            for arm, of_map, seed in falls
            if (arm, of_map) == (ticket, name) and (dense, of_map, seed) in falls
        ]
        for column, label in FALLS.items():
            ticket_steps, dense_steps = (
                [falls[arm, name, seed][column] for seed in seeds] for arm in (ticket, dense)
            )
            findings.append(
                Finding(
                    name=f"step at which {label.format(name)}",
                    expected="sooner in the ticket",
                    value=f"{step_range(ticket_steps)} against {step_range(dense_steps)}",
                    interval="ranges over seeds",
                    n=len(seeds),
                    n_held=sum(map(_is_earlier, ticket_steps, dense_steps)),
                    n_cases=len(seeds),
                )
            )
    return findings


def _is_earlier(step: int | None, than: int | None) -> bool:
    return step is not None and (than is None or step < than)


CLAIMS = (
    Claim(
        id="M10",
        statement="periodicity comes early in tickets",
        holds_when="Shannon entropy of the neurons' spectra falls sooner in the ticket than in dense, in "
        "every seed",
        kind="hard",
        evidence=(Evidence("modadd_ticket", (MEANS, ANALYSIS), early),),
    ),
)
