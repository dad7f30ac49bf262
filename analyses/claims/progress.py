"""Claim about progress measures: N1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.claims.findings import first_arm
from analyses.progress.schema import ANALYSIS, MEASURES, RESTRICTED
from analyses.tables.number_text import number

LEAST_RISE = 1.0
"""Rise of the excluded loss that counts as one, in powers of ten."""
DECIDING = "restricted_sum2"
"""Restricted loss that the claim is about."""


def signs_of_progress(measures: pd.DataFrame, summary: Mapping[str, Any]) -> list[Finding]:
    """Judge N1 for the dense network, with other restricted losses as context."""
    moves = [row for row in summary["moves"] if row["arm"] == first_arm(measures, "dense")]
    restricted = [
        _earlier(
            f"step by which the restricted loss ({label}) has half fallen", name, moves, name == DECIDING
        )
        for name, label in RESTRICTED.items()
    ]
    rises = [row["excluded_moves"] for row in moves]
    rise = Finding(
        name="rise of the excluded loss from its lowest value, powers of ten",
        expected=f"at least {LEAST_RISE:g}",
        value=", ".join(map(number, rises)) or "no network",
        n=len(rises),
        n_held=sum(value is not None and value >= LEAST_RISE for value in rises),
        n_cases=len(rises),
    )
    excluded = _earlier("step by which the excluded loss has half risen", "excluded", moves)
    return [*restricted, rise, excluded]


def _earlier(name: str, loss: str, moves: list[Mapping[str, Any]], decides: bool = True) -> Finding:
    """Return the finding of a loss that moves earlier than the test loss.

    Steps are known as intervals between checkpoints. An interval is earlier if it ends before the other
    begins.
    """
    ends = [(row[f"{loss}_half_step"], row["test_half_after"], row["test_half_step"]) for row in moves]
    intervals = [f"{_interval(row, loss)} against {_interval(row, 'test')}" for row in moves]
    return Finding(
        name=f"{name}, against the test loss",
        expected="earlier",
        value="; ".join(intervals) or "no network",
        n=len(moves),
        n_held=sum(None not in steps and steps[0] <= steps[1] for steps in ends),
        n_cases=len(moves),
        decides=decides,
    )


def _interval(row: Mapping[str, Any], loss: str) -> str:
    after, at = row[f"{loss}_half_after"], row[f"{loss}_half_step"]
    return "never" if at is None else f"{after or 0:,}–{at:,}"


CLAIMS = (
    Claim(
        id="N1",
        statement="restricted loss falls before test loss, and excluded loss rises",
        holds_when="on a log scale, half of the restricted loss' fall (waves of a + b) and half of the "
        "excluded loss' rise from its lowest value, tenfold at least, are done before half of the test loss' "
        "fall; a step is the interval between two checkpoints",
        kind="medium",
        evidence=(Evidence("n_mainline", (MEASURES, ANALYSIS), signs_of_progress),),
    ),
)
