"""What the reproduction report says, from the claims as they were judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analyses.claims.claim import Finding
from analyses.report.evidence import Judged, commands, duration
from analyses.report.rendering import Block, Commands, Heading, Paragraph, Table, markdown_table
from analyses.tables.long_format import records
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError

MARKS: dict[str, str] = {
    "reproduced": "good",
    "partly": "mixed",
    "not reproduced": "bad",
    "not measured": "none",
}
"""Every verdict, and its class of mark."""
BEGIN, END = "<!-- claims: made by python -m analyses.report -->", "<!-- /claims -->"
"""Lines of a Markdown file between which the table of claims stands."""

ABOUT = (
    "Made by python -m analyses.report from the saved tables of the runs. The thresholds were fixed before "
    "the runs, and nothing is tuned until it holds. A verdict is 'partly' where some seeds or some parts of "
    "a claim hold, and where a part is not measured.",
    "'>' and '<' are bounds left by networks that never generalised within their steps; a bound counts where "
    "it decides. Values are medians over seeds (Kaplan–Meier), ratios geometric means over pairs of one "
    "seed. 'seeds' is the range from the least to the largest seed; '95 % BCa' a bootstrap interval over "
    "seeds of the mean log-ratio, too narrow for few (of 3 it holds the truth in 73 %).",
    "Claims are hard (a release waits for them), medium, soft, or a report without a threshold. "
    "networks.csv, beside this file, has the times of every network of every run.",
)


def overview(judged: Sequence[Judged]) -> pd.DataFrame:
    """A row per claim, as REPRODUCTION.csv and the README have it."""
    return pd.DataFrame(
        {
            "id": own.claim.id,
            "claim": own.claim.words,
            "kind": own.claim.kind,
            "verdict": own.verdict,
            "here": _here(own),
            "n": _seeds(own.findings),
        }
        for own in judged
    )


def document(judged: Sequence[Judged], runs: Path) -> list[Block]:
    """The whole report.

    Raises
    ------
    RunError
        If what is known of a run is damaged.
    """
    count = {verdict: sum(own.verdict == verdict for own in judged) for verdict in MARKS}
    counted = ", ".join(f"{n} {verdict}" for verdict, n in count.items())
    blocks: list[Block] = [Heading(1, "What reproduces"), *map(Paragraph, ABOUT)]
    blocks += [Paragraph(f"{len(judged)} claims: {counted}."), _claims(judged)]
    blocks += [Heading(2, "What does not hold, or not everywhere"), *_failures(judged)]
    blocks.append(Heading(2, "Claim by claim"))
    for own in judged:
        blocks += _claim(own, runs)
    return [*blocks, Heading(2, "Runs"), *_runs(judged, runs)]


def readme_with(path: Path, table: pd.DataFrame) -> str:
    """The text of a Markdown file with this overview between its two marks.

    Raises
    ------
    ConfigError
        If there is no such file, or it has not the two marks once each, in order.
    """
    if not path.is_file():
        raise ConfigError(f"--readme: expected a Markdown file, and {path} is not one")
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ConfigError(f"--readme: expected the lines {BEGIN!r} and {END!r} once each in {path}")
    return f"{before}{BEGIN}\n\n{readme_table(table)}\n\n{END}{after}"


def readme_table(table: pd.DataFrame) -> str:
    """The overview as the README shows it."""
    rows = [(f"{row['id']}: {row['claim']}", row["here"], row["verdict"]) for row in records(table)]
    return markdown_table(Table(("claim", "here", "verdict"), rows))


def _here(own: Judged) -> str:
    """The findings that decide, in a line."""
    return "; ".join(map(_in_a_line, filter(_decides, own.findings)))


def _decides(finding: Finding) -> bool:
    return not finding.beside


def _in_a_line(finding: Finding) -> str:
    counted = f" ({finding.held} of {finding.of})" if finding.held < finding.of > 1 else ""
    return f"{finding.name}: {finding.value}{counted}"


def _seeds(findings: Sequence[Finding]) -> str:
    """How many seeds (or networks) the findings that decide are of."""
    return ", ".join(dict.fromkeys(str(finding.n) for finding in findings if not finding.beside))


def _claims(judged: Sequence[Judged]) -> Table:
    rows = [(own.claim.id, own.claim.words, own.claim.kind, own.verdict) for own in judged]
    return Table(("id", "claim", "kind", "verdict"), rows)


def _failures(judged: Sequence[Judged]) -> list[Block]:
    """Every finding that does not hold in all its cases, and what is missing of claims that were measured."""
    rows = []
    for own in judged:
        if own.verdict in ("partly", "not reproduced"):
            short = [found for found in own.findings if _decides(found) and found.held < found.of]
            said = [f"{_in_a_line(found)}; expected: {found.expected}" for found in short]
            said += [f"not measured: {reason}" for reason in own.missing]
            rows.append((own.claim.id, own.claim.words, own.claim.kind, own.verdict, ". ".join(said)))
    if not rows:
        return [Paragraph("Nothing that was measured.")]
    return [Table(("id", "claim", "kind", "verdict", "where it fails"), rows)]


def _claim(own: Judged, runs: Path) -> list[Block]:
    claim = own.claim
    blocks: list[Block] = [
        Heading(3, f"{claim.id}: {claim.words}"),
        Table(("verdict", "kind", "holds when"), [(own.verdict, claim.kind, claim.holds_when)]),
    ]
    if own.findings:
        header = ("what", "expected", "here", "interval", "n", "holds")
        blocks.append(Table(header, list(map(_row, own.findings))))
    if own.missing:
        blocks.append(Paragraph(f"Not measured: {'; '.join(own.missing)}."))
    return [*blocks, Commands(commands([claim], runs))]


def _row(finding: Finding) -> tuple[str, ...]:
    held = f"{finding.held} of {finding.of}"
    if finding.of < 2:
        held = ("no network", "yes" if finding.held else "no")[finding.of]
    held = f"{held}, beside the verdict" if finding.beside else held
    return (finding.name, finding.expected, finding.value, finding.interval, str(finding.n), held)


def _runs(judged: Sequence[Judged], runs: Path) -> list[Block]:
    """What each run of the claims took."""
    recipes = dict.fromkeys(evidence.recipe for own in judged for evidence in own.claim.evidence)
    rows = [_run(RunDir(runs / recipe)) for recipe in recipes if (runs / recipe / "config.json").exists()]
    if not rows:
        return [Paragraph("None has been trained.")]
    said = (
        "Wall time is that of every start that ended in order, without networks that another run had trained "
        "with the same config, and on a machine that may have done other things."
    )
    header = ("run", "networks", "taken from other runs", "wall time", "workers", "device", "torch", "commit")
    return [Paragraph(said), Table(header, rows)]


def _run(run: RunDir) -> tuple[str, ...]:
    starts = run.provenance() or []
    done = [str(files) for files in run.arms() if files.done() is not None]
    taken = {network for start in starts for network in start.get("taken", {})}
    cut_short = sum("seconds" not in start and start.get("arms") != [] for start in starts)
    time = duration(run.seconds()) + (f", and starts that did not end: {cut_short}" if cut_short else "")
    ran_with = [
        ", ".join(dict.fromkeys(str(_entry(start, *keys)) for start in starts))
        for keys in (("workers",), ("device",), ("versions", "torch"), ("commit",))
    ]
    counts = (str(len(done)), str(len(taken.intersection(done))))
    return (run.path.name, *counts, time, *ran_with)


def _entry(start: dict[str, Any], *keys: str) -> Any:
    """An entry of a start's record, "-" for what it does not say."""
    found: Any = start
    for key in keys:
        found = found.get(key) or {}
    return found or "-"
