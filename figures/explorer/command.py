"""Command `python -m figures.explorer`: write the page of runs."""

from __future__ import annotations

import argparse
import math
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from training.cli.parser import Parser, run_command

FILE = "explorer.html"
MOST_MEGABYTES = 15.0
"""Size that a page keeps to by default."""


def _megabytes(text: str) -> float:
    """Return a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = Parser(
        prog="python -m figures.explorer",
        description="Write one page, without server or network, in which you see the networks of runs learn. "
        "Tables that it shows are measured first where they are missing or stale.",
    )
    p.add_argument("--run", metavar="DIR", nargs="+", required=True, help="run directories, side by side")
    p.add_argument("--arms", metavar="ARM", nargs="+", help="only these arms; all by default")
    p.add_argument(
        "--out", metavar="FILE", help=f"where it goes; {FILE} in the first run directory by default"
    )
    p.add_argument(
        "--megabytes", metavar="N", type=_megabytes, default=MOST_MEGABYTES,
        help="size that it keeps to by leaving out checkpoints",
    )  # fmt: skip
    p.add_argument(
        "--all",
        action="store_true",
        help="measure also what takes minutes: progress measures, graphs of masks",
    )
    p.add_argument("--open", action="store_true", help="open it in the browser")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, measure what is missing, write the page, say where it is."""
    args = parser().parse_args(argv)
    return run_command(lambda: _write(args), args.plugins)


def _write(args: argparse.Namespace) -> int:
    from figures.explorer.page import page_html
    from figures.explorer.sources import explored_run
    from training.runs.atomic_files import write_bytes

    runs = [explored_run(path, args.arms, args.all) for path in args.run]
    target = Path(args.out) if args.out else runs[0].run.path / FILE
    content = page_html(runs, args.megabytes).encode()
    write_bytes(target, content)
    print(f"{target}: {len(content) / 1e6:.1f} MB, {sum(len(run.networks) for run in runs)} networks")
    if args.open and not webbrowser.open(target.resolve().as_uri()):
        print(f"no browser was found; open {target.resolve().as_uri()}", file=sys.stderr)
    return 0
