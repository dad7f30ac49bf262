"""Command `python -m training status`: what each network of a run is at, and how long it takes still."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from training.cli.parser import Parser, run_command

WATCH_SECONDS = 3.0
"""Time between two looks of `--watch`."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training status",
        description="Show what each network of a run is at: waiting, at a step, done, failed; on which "
        "worker, how fast, and the time that is left. Only files are read: it works while the run is "
        "trained, here or on other machines, and after a kill. 'watch RUN' draws curves of accuracy instead.",
    )
    p.add_argument("run", metavar="RUN", help="folder of a run, as runs/modadd_fast")
    p.add_argument(
        "--watch",
        action="store_true",
        help="on a terminal: draw again every few seconds, until nothing is left to do or Ctrl-C",
    )
    p.add_argument("--verbose", action="store_true", help="a row for each network, however many there are")
    p.add_argument("--json", action="store_true", help="print everything as JSON, once")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, look, print."""
    p = parser()
    args = p.parse_args(list(argv))
    if args.json and args.watch:
        p.error("expected --json or --watch, and not both")
    return run_command(lambda: _status(args), args.plugins)


def _status(args: argparse.Namespace) -> int:
    from training.cli.redrawn import print_until_finished
    from training.execution.status.run_status import run_status
    from training.execution.status.status_table import status_json, status_table
    from training.inspection.run import open_run

    if args.json:
        print(json.dumps(status_json(run_status(open_run(args.run))), indent=2))
        return 0

    def look() -> tuple[str, bool]:
        status = run_status(open_run(args.run))  # anew: a start may add arms to the recipe
        return status_table(status, args.verbose).text(verbose=True), status.is_finished

    try:
        print_until_finished(look, WATCH_SECONDS, repeat=args.watch and sys.stdout.isatty())
    except KeyboardInterrupt:
        print()  # the training goes on; only the watching ends
    return 0
