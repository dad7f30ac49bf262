"""The claim about progress measures: N1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analyses.claims.claim import Claim, Evidence, Finding
from analyses.progress.summary import RESTRICTED
from analyses.tables.long_format import number

DECADES = 1.0
"""Least rise of the excluded loss, in powers of ten, that is one."""
JUDGED = "restricted_sum2"
"""The restricted loss that the claim is about; the others are reported beside it."""


def signs_of_progress(summary: Mapping[str, Any]) -> list[Finding]:
    """N1, of every dense network."""
    moves = [row for row in summary["moves"] if row["arm"] == "dense"]
    findings = [
        _earlier(f"half of the fall: restricted loss ({words})", name, moves, beside=name != JUDGED)
        for name, words in RESTRICTED.items()
    ]
    rises = [row["excluded_moves"] for row in moves]
    risen = Finding(
        name="rise of the excluded loss from its lowest value, powers of ten",
        expected=f"at least {DECADES:g}",
        value=", ".join(map(number, rises)) or "no network",
        n=len(rises),
        held=sum(rise is not None and rise >= DECADES for rise in rises),
        of=len(rises),
    )
    return [*findings, risen, _earlier("half of the rise: excluded loss", "excluded", moves)]


def _earlier(name: str, loss: str, moves: list[Mapping[str, Any]], beside: bool = False) -> Finding:
    """Steps are known as intervals between checkpoints; one is earlier that ends before the other begins."""
    ends = [(row[f"{loss}_half_step"], row["test_half_after"], row["test_half_step"]) for row in moves]
    said = [f"{_interval(row, loss)} against {_interval(row, 'test')}" for row in moves]
    return Finding(
        name=f"{name} against test loss, step",
        expected="earlier",
        value="; ".join(said) or "no network",
        n=len(moves),
        held=sum(None not in steps and steps[0] <= steps[1] for steps in ends),
        of=len(moves),
        beside=beside,
    )


def _interval(row: Mapping[str, Any], loss: str) -> str:
    after, at = row[f"{loss}_half_after"], row[f"{loss}_half_step"]
    return "never" if at is None else f"{after or 0:,}–{at:,}"


CLAIMS = (
    Claim(
        id="N1",
        words="restricted loss falls before test loss, and excluded loss rises",
        holds_when="on a log scale, half of the restricted loss' fall (sum2) and half of the excluded loss' "
        "rise from its lowest value, tenfold at least, are done before half of the test loss' fall; a step "
        "is the interval between two checkpoints",
        kind="medium",
        evidence=(Evidence("n_mainline", (("progress", ".json"),), signs_of_progress),),
    ),
)
