"""Content of the reproduction report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analyses.claims.claim import Finding
from analyses.report.evidence import JudgedClaim
from analyses.report.rendering import Block, Commands, Heading, Paragraph, TextTable, markdown_table
from analyses.report.run_records import reproduction_commands, runs_table
from analyses.tables.long_format import records
from training.cli.printed_table import PrintedTable
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError

MARKS: dict[str, str] = {
    "reproduced": "good",
    "partly": "mixed",
    "not reproduced": "bad",
    "not measured": "none",
}
"""Class of mark of every verdict."""
BEGIN, END = "<!-- claims: made by python -m analyses.report -->", "<!-- /claims -->"
"""Lines of a Markdown file around its table of claims."""

CASES = re.compile(r" \((\d+ of \d+)\)$")
"""End of a finding that is as expected in some cases only."""

ABOUT = (
    "Made by python -m analyses.report from the saved tables of the runs. The thresholds were fixed before "
    "the runs, and nothing is tuned until a claim holds. A claim is 'reproduced' if every part of it holds "
    "in every seed, 'not reproduced' if no part holds in any seed, and 'partly' in between, or if a part was "
    "not measured, or fewer seeds were trained than the recipe has ('1 of 3').",
    "t_mem and t_gen are the first steps at which the training and the test examples meet the threshold; "
    "τ = t_gen / t_mem. '>' and '<' are bounds, left by networks that never memorised or generalised within "
    "their steps ('> 0' by those that did neither); a bound counts where it decides. Values are lower "
    "medians over seeds, ratios geometric means over pairs of networks of one seed. '(seeds)' is the range "
    "from the least to the largest seed; '95 % t' Student's interval of the mean log-ratio.",
    "Claims are hard (a release waits for them), medium, soft, or a report without a threshold. "
    "networks.csv, beside this file, has the times of every network of every run.",
)
WALL_TIME = (
    "Wall time is that of every start that ended in order, without networks that another run had trained "
    "with the same config, and on a machine that may have done other things."
)


def claims_table(judged: Sequence[JudgedClaim]) -> pd.DataFrame:
    """Return a row per claim, for REPRODUCTION.csv and the README."""
    return pd.DataFrame(
        {
            "id": entry.claim.id,
            "claim": entry.claim.statement,
            "kind": entry.claim.kind,
            "verdict": entry.verdict,
            "here": "; ".join(map(_one_line, _deciding(entry))),
            "n": ", ".join(dict.fromkeys(finding.n_text for finding in _deciding(entry))),
        }
        for entry in judged
    )


def report_blocks(judged: Sequence[JudgedClaim], runs: Path) -> list[Block]:
    """Return the whole report.

    Raises
    ------
    RunError
        If the record of a run is damaged.
    """
    blocks: list[Block] = [Heading(1, "Which claims reproduce"), *map(Paragraph, ABOUT)]
    blocks += [Paragraph(f"{len(judged)} claims: {_counts(judged)}."), _verdicts(judged)]
    blocks += [Heading(2, "Claims that fail, or hold in part"), *_failures(judged)]
    blocks.append(Heading(2, "Every claim"))
    for entry in judged:
        blocks += _claim_section(entry, runs)
    recipes = dict.fromkeys(evidence.recipe for entry in judged for evidence in entry.claim.evidence)
    trained = [RunDir(runs / name) for name in recipes if (runs / name / "config.json").exists()]
    blocks.append(Heading(2, "Runs"))
    if not trained:
        return [*blocks, Paragraph("None has been trained.")]
    return [*blocks, Paragraph(WALL_TIME), runs_table(trained)]


def printed_verdicts(judged: Sequence[JudgedClaim], report: Path) -> list[PrintedTable]:
    """Return the verdicts for the terminal, with findings and missing evidence as details.

    Parameters
    ----------
    report : Path
        File that says why, named below the verdicts.
    """
    rows = [
        {
            "claim": entry.claim.id,
            "statement": entry.claim.statement,
            "kind": entry.claim.kind,
            "verdict": entry.verdict,
        }
        | _recipes_to_run(entry)
        for entry in judged
    ]
    finding_rows = [
        {"claim": entry.claim.id} | dict(zip(FINDING_HEADER, _finding_cells(finding), strict=True))
        for entry in judged
        for finding in entry.findings
    ]
    missing_rows = [
        {"claim": entry.claim.id, "missing": str(missing)}
        for entry in judged
        for missing in entry.missing_evidence
    ]
    tables = [
        PrintedTable(
            "Verdicts on the papers' claims, from saved tables.",
            rows,
            f"{len(judged)} claims: {_counts(judged)}.\n"
            f"Hard: a release waits for it. Report: without a threshold. Numbers, limits and what is "
            f"missing: --verbose, or {report}.",
        ),
        PrintedTable(
            "Findings behind the verdicts.",
            finding_rows,
            "Holds: in how many cases (seeds, where each is judged by itself) the measured value is as "
            "expected.",
            details=True,
        ),
        PrintedTable(
            "Missing evidence.",
            missing_rows,
            "The quoted commands make it.",
            details=True,
        ),
    ]
    return [table for table in tables if table.rows]


def _recipes_to_run(entry: JudgedClaim) -> dict[str, str]:
    """Return the cell of recipes that a claim still needs."""
    recipes = dict.fromkeys(missing.recipe for missing in entry.missing_evidence)
    return {"recipes to run": ", ".join(recipes)} if recipes else {}


def updated_readme(path: Path, table: pd.DataFrame) -> str:
    """Return a Markdown file's text with its table of claims replaced.

    Raises
    ------
    ConfigError
        If there is no such file, or the table's two marks are not there once each, in order.
    """
    if not path.is_file():
        raise ConfigError(f"--readme: expected a Markdown file, got {path}, which is none")
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ConfigError(f"--readme: expected the lines {BEGIN!r} and {END!r} once each in {path}; add them")
    return f"{before}{BEGIN}\n\n{readme_table(table)}\n\n{END}{after}"


HEADLINES = {"M1": "dense τ"}
"""Finding that stands for a claim in the README, by id, if it is not the first."""


def readme_table(table: pd.DataFrame) -> str:
    """Return the table of claims in the README's form: one number for each."""
    rows = [
        (
            f"{row['id']}: {row['claim']}",
            headline(row["here"], HEADLINES.get(row["id"], "")),
            row["verdict"],
        )
        for row in records(table)
    ]
    return markdown_table(TextTable(("claim", "here", "verdict"), rows))


def headline(findings: str, preferred: str = "") -> str:
    """Return the finding that stands for a claim in the README.

    Of a finding in words it has only in how many cases it is as expected.

    Examples
    --------
    >>> headline("dense t_mem: 90; dense τ: 227"), headline("dense t_mem: 90; dense τ: 227", "dense τ")
    ('dense t_mem: 90', 'dense τ: 227')
    >>> headline("t_gen: 220; test accuracy: 0.981 (0 of 3)")
    'test accuracy: 0.981 (0 of 3)'
    >>> headline("graph statistics that differ: path length; spectral gap (6 of 11)")
    'graph statistics that differ: 6 of 11'
    """
    listed = re.split(r"; (?=[^;]*: )", findings)
    failing = [finding for finding in listed if CASES.search(finding)]
    wanted = [finding for finding in listed if preferred and finding.startswith(f"{preferred}: ")]
    shown = next(iter([*failing, *wanted, *listed]))
    name, _, value = shown.rpartition(": ")
    cases = CASES.search(value)
    in_words = cases is not None and not re.search(r"\d", value[: cases.start()])
    return f"{name}: {cases[1]}" if cases is not None and in_words else shown


def _counts(judged: Sequence[JudgedClaim]) -> str:
    counts = {verdict: sum(entry.verdict == verdict for entry in judged) for verdict in MARKS}
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items())


def _deciding(entry: JudgedClaim) -> list[Finding]:
    return [finding for finding in entry.findings if finding.decides]


def _one_line(finding: Finding) -> str:
    fails_in_part = finding.n_held < finding.n_cases > 1
    count = f" ({finding.n_held} of {finding.n_cases})" if fails_in_part else ""
    return f"{finding.name}: {finding.value}{count}"


def _verdicts(judged: Sequence[JudgedClaim]) -> TextTable:
    rows = [(entry.claim.id, entry.claim.statement, entry.claim.kind, entry.verdict) for entry in judged]
    return TextTable(("id", "claim", "kind", "verdict"), rows)


def _failures(judged: Sequence[JudgedClaim]) -> list[Block]:
    """Return failing findings, and missing evidence of claims that are measured in part."""
    rows = []
    for entry in judged:
        if entry.verdict in ("partly", "not reproduced"):
            failing = [finding for finding in _deciding(entry) if finding.n_held < finding.n_cases]
            sentences = [f"{_one_line(finding)}; expected: {finding.expected}" for finding in failing]
            sentences += [f"not measured: {missing}" for missing in entry.missing_evidence]
            claim = entry.claim
            rows.append((claim.id, claim.statement, claim.kind, entry.verdict, ". ".join(sentences)))
    if not rows:
        return [Paragraph("None of those that were measured.")]
    return [TextTable(("id", "claim", "kind", "verdict", "where it fails"), rows)]


FINDING_HEADER = ("quantity", "expected", "measured", "interval", "n", "holds")


def _claim_section(entry: JudgedClaim, runs: Path) -> list[Block]:
    claim = entry.claim
    blocks: list[Block] = [
        Heading(3, f"{claim.id}: {claim.statement}"),
        TextTable(("verdict", "kind", "holds when"), [(entry.verdict, claim.kind, claim.holds_when)]),
    ]
    if entry.findings:
        blocks.append(TextTable(FINDING_HEADER, list(map(_finding_cells, entry.findings))))
    if entry.missing_evidence:
        blocks.append(Paragraph(f"Not measured: {'; '.join(map(str, entry.missing_evidence))}."))
    return [*blocks, Commands(reproduction_commands(claim, runs))]


def _finding_cells(finding: Finding) -> tuple[str, ...]:
    holds = f"{finding.n_held} of {finding.n_cases}"
    if finding.n_cases < 2:
        holds = ("no network", "yes" if finding.n_held else "no")[finding.n_cases]
    if not finding.decides:
        holds = f"{holds}, not part of the verdict"
    return (finding.name, finding.expected, finding.value, finding.interval, finding.n_text, holds)
