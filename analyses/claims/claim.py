"""Claim: a paper's statement, the tables that judge it, and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analyses.tables.schema import Analysis, Table

Verdict = Literal["reproduced", "partly", "not reproduced", "not measured"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measured quantity, compared with what its claim expects."""

    name: str
    """The quantity."""
    expected: str
    """Values that the claim expects."""
    value: str
    """Value measured here."""
    interval: str = ""
    """Interval around the value, its kind named."""
    n: int
    """Number of seeds; where a table pools the networks of several arms, number of networks."""
    n_held: int
    """Number of cases that are as expected: of seeds, where each is judged by itself."""
    n_cases: int
    """Number of cases judged; 0 if no network was measured."""
    n_expected: int | None = None
    """Number of seeds of the claim's recipe, where fewer were trained."""
    decides: bool = True
    """False if it is reported only: the verdict does not depend on it."""

    @property
    def n_text(self) -> str:
        """Number of seeds, as "1 of 3" where the claim's recipe has more."""
        fewer = self.n_expected is not None and self.n < self.n_expected
        return f"{self.n} of {self.n_expected}" if fewer else str(self.n)

    def as_context(self) -> Finding:
        """Return a copy that is reported only, without a part in the verdict."""
        return replace(self, decides=False)


@dataclass(frozen=True)
class Evidence:
    """Saved results of one recipe's run, and the function that judges them."""

    recipe: str
    sources: tuple[Table | Analysis, ...]
    """Tables by their schemas; an analysis stands for its summary."""
    judge: Callable[..., list[Finding]]
    """Function of the data frames (of a summary: its content) in the order of `sources`."""

    @property
    def analyses(self) -> list[str]:
        """Names of the analyses that save the sources."""
        return list(dict.fromkeys(map(analysis_of, self.sources)))


def analysis_of(source: Table | Analysis) -> str:
    """Return the name of the analysis that saves a table or summary."""
    return source.name if isinstance(source, Analysis) else source.analysis


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Statement of a paper, with the measurements under which it holds."""

    id: str
    statement: str
    holds_when: str
    kind: Literal["hard", "medium", "soft", "report"]
    """hard: a release waits for it; medium, soft: reported; report: a description without a threshold."""
    evidence: tuple[Evidence, ...]


def verdict(findings: Sequence[Finding], complete: bool) -> Verdict:
    """Return the verdict that follows from all findings of a claim.

    Parameters
    ----------
    complete : bool
        True if all evidence was there, of all seeds of the claim's recipes: without it a claim holds partly
        at most. A finding without a measured network is missing evidence too.

    Examples
    --------
    >>> def finding(n_held: int, n_cases: int) -> Finding:
    ...     return Finding(
    ...         name="tau", expected="at most 25", value="4", n=3, n_held=n_held, n_cases=n_cases
    ...     )
    >>> verdict([finding(3, 3), finding(1, 1)], True), verdict([finding(3, 3), finding(2, 3)], True)
    ('reproduced', 'partly')
    >>> verdict([finding(0, 3)], True), verdict([finding(3, 3)], False), verdict([finding(0, 0)], True)
    ('not reproduced', 'partly', 'not measured')
    """
    deciding = [finding for finding in findings if finding.decides]
    n_held, n_cases = (sum(getattr(f, name) for f in deciding) for name in ("n_held", "n_cases"))
    if n_cases == 0:
        return "not measured"
    if n_held == 0:
        return "not reproduced"
    all_measured = complete and all(finding.n_cases for finding in deciding)
    return "reproduced" if n_held == n_cases and all_measured else "partly"
