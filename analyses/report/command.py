"""Command `analyses.report`: verdicts on the papers' claims."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.running.command_line import use_one_thread
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from analyses.report.evidence import JudgedClaim


def main(argv: list[str] | None = None) -> int:
    """Parse, judge, write."""
    p = Parser(
        prog="python -m analyses.report",
        description="Judge the papers' claims by the saved tables of a folder of runs. Nothing is trained.",
    )
    p.add_argument("--runs", default="runs", metavar="DIR", help="folder of the runs, named as their recipes")
    p.add_argument("--out", metavar="DIR", help="where the report goes; the folder of runs by default")
    p.add_argument("--readme", metavar="FILE", help="also replace the table of claims in this Markdown file")
    p.add_argument("--verbose", action="store_true", help="print the findings and what is missing too")
    args = p.parse_args(argv)
    use_one_thread()
    return run_command(lambda: report(args), args.plugins)


def report(args: argparse.Namespace) -> int:
    """Write REPRODUCTION.md, .html and .csv and networks.csv, and print the verdicts.

    Raises
    ------
    NoRunError
        If the folder of runs does not exist.
    ConfigError
        If the file of `--readme` has no place for the table.
    RunError
        If tables are damaged or stale, or a run's record is damaged.
    """
    from analyses.report.document import MARKS, claims_table, printed_verdicts, report_blocks, updated_readme
    from analyses.report.evidence import outcomes_of_all_runs
    from analyses.report.rendering import html_page, markdown
    from training.cli.printed_table import render
    from training.runs.atomic_files import write_bytes, write_table
    from training.runs.run_directory import NoRunError

    runs, out = Path(args.runs), Path(args.out or args.runs)
    if not runs.is_dir():
        raise NoRunError(f"--runs: expected a folder of runs, got {runs}, which does not exist")
    judged = judge_all(runs)
    table, blocks = claims_table(judged), report_blocks(judged, runs)
    readme = None if args.readme is None else updated_readme(Path(args.readme), table)
    outcomes = outcomes_of_all_runs(runs)
    write_table(out / "REPRODUCTION.csv", table)
    write_table(out / "networks.csv", outcomes)
    write_bytes(out / "REPRODUCTION.md", markdown(blocks).encode())
    write_bytes(out / "REPRODUCTION.html", html_page(blocks, MARKS).encode())
    if readme is not None:
        write_bytes(Path(args.readme), readme.encode())
    print(render(printed_verdicts(judged, out / "REPRODUCTION.md"), args.verbose))
    print(f"report: {out / 'REPRODUCTION'}.*", file=sys.stderr)
    return 0


def judge_all(runs: Path) -> list[JudgedClaim]:
    """Return every claim, judged.

    Raises
    ------
    RunError
        If tables or records are damaged or stale; a line for each.
    """
    from analyses.claims.registry import CLAIMS
    from analyses.report.evidence import judge_claim
    from training.runs.atomic_files import RunError, RunErrors

    judged, refusals = [], []
    for claim in CLAIMS.values():
        try:
            judged.append(judge_claim(claim, runs))
        except RunError as refusal:
            refusals.append(refusal)
    if refusals:
        raise RunErrors(refusals)
    return judged
