"""What a claim is, what was found of it, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["reproduced", "partly", "not reproduced", "not measured"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One statement of a claim, held against the numbers."""

    name: str
    """What was measured."""
    expected: str
    """What the claim says of it."""
    value: str
    """What it is here."""
    interval: str = ""
    """Around the value, its kind named."""
    n: int
    """Seeds; where a table pools the networks of several arms, those."""
    held: int
    """In how many of `of` cases (seeds, where each is judged by itself) it is as expected."""
    of: int
    """0 where no network says anything of it."""
    beside: bool = False
    """Reported, without bearing on the verdict."""


@dataclass(frozen=True)
class Evidence:
    """The tables of one recipe's run, and what they say."""

    recipe: str
    tables: tuple[tuple[str, str], ...]
    """Analysis and end of the file name of each, as ("speed", "_pairs.parquet")."""
    judge: Callable[..., list[Finding]]
    """Takes the tables in their order (of a `.json`, its content)."""

    @property
    def analyses(self) -> list[str]:
        """The analyses that write the tables."""
        return list(dict.fromkeys(analysis for analysis, _ in self.tables))


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper says, and what must be measured here for it to hold."""

    id: str
    words: str
    holds_when: str
    kind: Literal["hard", "medium", "soft", "report"]
    """hard: a release waits for it; medium, soft: reported; report: a description without a threshold."""
    evidence: tuple[Evidence, ...]


def verdict(findings: Sequence[Finding], complete: bool) -> Verdict:
    """What all findings of a claim come to.

    `complete` is whether all of its evidence was there: without it a claim holds partly at most. A finding
    of which no network says anything is likewise missing.

    Examples
    --------
    >>> def found(held: int, of: int) -> Finding:
    ...     return Finding(name="tau", expected="at most 25", value="4", n=of, held=held, of=of)
    >>> verdict([found(3, 3), found(1, 1)], True), verdict([found(3, 3), found(2, 3)], True)
    ('reproduced', 'partly')
    >>> verdict([found(0, 3)], True), verdict([found(3, 3)], False), verdict([found(0, 0)], True)
    ('not reproduced', 'partly', 'not measured')
    """
    judged = [finding for finding in findings if not finding.beside]
    held, of = sum(finding.held for finding in judged), sum(finding.of for finding in judged)
    if of == 0:
        return "not measured"
    if held == 0:
        return "not reproduced"
    all_measured = complete and all(finding.of for finding in judged)
    return "reproduced" if held == of and all_measured else "partly"
