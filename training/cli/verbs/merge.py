"""Command `python -m training merge`: arms and seeds of two runs in one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from training.cli.parser import Parser, run_command


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training merge",
        description="Join two runs of like recipes into a new one, with the arms, seeds and provenance of "
        "both. Both are verified first, and stay as they are. Tables are measured anew.",
    )
    p.add_argument("runs", metavar="RUN", nargs=2, help="folders of two runs")
    p.add_argument("--to", metavar="DIR", required=True, help="new folder")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, merge, print the run."""
    args = parser().parse_args(list(argv))
    return run_command(lambda: _merge(args), args.plugins)


def _merge(args: argparse.Namespace) -> int:
    from training.runs.handover.merging import merged_run

    print(merged_run(args.runs[0], args.runs[1], args.to))
    return 0
