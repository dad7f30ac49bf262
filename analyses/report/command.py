"""The reproduction report: every claim of the papers, with its verdict, its numbers and its commands."""

from __future__ import annotations

import sys
from pathlib import Path

from analyses.running.command_line import one_thread
from training.cli.parser import Parser, run_command


def main(argv: list[str] | None = None) -> int:
    """Parse, judge, write."""
    p = Parser(
        prog="python -m analyses.report",
        description="What reproduces and what does not, by saved tables alone: nothing is trained.",
    )
    p.add_argument("--runs", default="runs", metavar="DIR", help="folder of the runs, named as their recipes")
    p.add_argument("--out", metavar="DIR", help="where the report goes; the folder of runs by default")
    p.add_argument("--readme", metavar="FILE", help="also replace the table of claims in this Markdown file")
    args = p.parse_args(argv)
    one_thread()
    return run_command(lambda: report(Path(args.runs), Path(args.out or args.runs), args.readme))


def report(runs: Path, out: Path, readme: str | None = None) -> int:
    """Write REPRODUCTION.md, .html and .csv and networks.csv, print the verdicts.

    Raises
    ------
    NoRunError
        If the folder of runs does not exist.
    ConfigError
        If `readme` has no place for the table.
    RunError
        If a table or a run's record is damaged.
    """
    from analyses.claims.registry import CLAIMS
    from analyses.report.document import MARKS, document, overview, readme_with
    from analyses.report.evidence import every_network, judge
    from analyses.report.rendering import html_page, markdown
    from analyses.tables.long_format import records
    from training.cli.parser import format_table
    from training.runs.atomic_files import write_bytes, write_table
    from training.runs.run_directory import NoRunError

    if not runs.is_dir():
        raise NoRunError(f"--runs: expected a folder of runs, and {runs} does not exist")
    judged = [judge(claim, runs) for claim in CLAIMS]
    table, blocks = overview(judged), document(judged, runs)
    changed = None if readme is None else readme_with(Path(readme), table)
    write_table(out / "REPRODUCTION.csv", table)
    write_table(out / "networks.csv", every_network(runs))
    write_bytes(out / "REPRODUCTION.md", markdown(blocks).encode())
    write_bytes(out / "REPRODUCTION.html", html_page(blocks, MARKS).encode())
    if readme is not None and changed is not None:
        write_bytes(Path(readme), changed.encode())
    print(format_table(records(table[["id", "kind", "verdict", "claim"]])))
    print(f"report: {out / 'REPRODUCTION'}.*", file=sys.stderr)
    return 0
