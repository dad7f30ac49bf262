"""Command `python -m analyses.bench`: seconds of analyses and of a run's files.

A network of the sizes of `modadd_fast` is trained for some hundred steps into a temporary folder; then each
item is timed in one process and one thread, in turn, round by round. Every figure is a median over rounds,
with its spread.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from training.cli.parser import Parser, format_table, run_command

ROUNDS, FULL_ROUNDS = 3, 7


def parser() -> Parser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m analyses.bench",
        description="Seconds of some analyses on a small run, and of writing and opening checkpoints.",
    )
    p.add_argument(
        "--rounds",
        type=int,
        help=f"rounds of which the median is taken (default: {ROUNDS}, {FULL_ROUNDS} with --full)",
    )
    p.add_argument("--full", action="store_true", help="more rounds")
    p.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="also write the section on analyses of this Markdown file, as BENCHMARKS.md",
    )
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, print."""
    from analyses.running.command_line import use_one_thread

    args = parser().parse_args(argv)
    use_one_thread()  # before NumPy is imported
    return run_command(lambda: _bench(args), args.plugins)


def _bench(args: argparse.Namespace) -> int:
    from analyses.bench.timed_analyses import measure_analyses
    from training.bench.machine import machine
    from training.bench.report import read_sections, write_sections
    from training.execution.identity.device import prepare_process
    from training.schema.validation import require

    rounds = (FULL_ROUNDS if args.full else ROUNDS) if args.rounds is None else args.rounds
    require(rounds >= 1, "--rounds", "a whole number from 1", rounds)
    if args.write is not None:
        read_sections(args.write)  # refused before anything is measured
    prepare_process()
    about = machine("cpu")
    rows = measure_analyses(rounds)
    if args.write is not None:
        write_sections(args.write, {"analyses": section(about, rows, rounds)})
    if args.json:
        print(json.dumps(about | {"rounds": rounds, "rows": rows}, indent=2))
    else:
        print("Median seconds of an analysis without its files, and of a run's files.")
        print(format_table([{key: row[key] for key in ("item", "on", "seconds")} for row in rows]))
    return 0


def section(about: dict[str, Any], rows: list[dict[str, Any]], rounds: int) -> str:
    """Return the rows in Markdown."""
    from training.bench.report import machine_line, markdown_table
    from training.bench.timing import spread_text

    table = [
        {
            "item": row["item"],
            "on": row["on"],
            "seconds": spread_text(row["seconds"], *row["spread"]),
        }
        for row in rows
    ]
    return f"""{machine_line(about)} Rounds: {rounds}.

{markdown_table(table)}

Seconds of measuring alone, by one process: no start, no tables written. There is no baseline: compare with
an earlier version of this file from one machine."""
