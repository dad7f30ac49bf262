"""Command `python -m training import ARCHIVE`: a run from an archive, verified first."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from training.cli.parser import Parser, run_command


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training import",
        description="Unpack a run that 'export' has written. Every file is verified before the run is put in "
        "place; nothing of it needs to be measured again.",
    )
    p.add_argument("archive", metavar="ARCHIVE", help="file that 'export' has written")
    p.add_argument("--out", metavar="DIR", default="runs", help="folder of the run directories")
    p.add_argument("--name", metavar="NAME", help="name of the run's folder (default: the one it had)")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, import, print the run."""
    args = parser().parse_args(list(argv))
    return run_command(lambda: _import(args), args.plugins)


def _import(args: argparse.Namespace) -> int:
    from training.runs.handover.importing import import_archive

    print(import_archive(args.archive, args.out, args.name))
    return 0
