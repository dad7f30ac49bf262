"""Command `python -m training verify`: files of a run or archive against their hashes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from training.cli.parser import Parser, run_command


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training verify",
        description="Compare every file of a run, or of an archive, with every hash that is recorded of it: "
        "in DONE, in tables and in the manifest. No cache is trusted. Each damaged file is named, with exit "
        "code 1.",
    )
    p.add_argument("path", metavar="PATH", help="folder of a run, or a file that 'export' has written")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, verify, print what was compared."""
    args = parser().parse_args(list(argv))
    return run_command(lambda: _verify(args), args.plugins)


def _verify(args: argparse.Namespace) -> int:
    from training.inspection.resource_estimate import bytes_text
    from training.runs.handover.importing import verified_run_or_archive

    result = verified_run_or_archive(args.path)
    counts = {"files": len(result.files), "networks": result.n_networks, "tables": result.n_tables}
    if args.json:
        print(json.dumps({"path": args.path, **counts, "notes": list(result.notes)}, indent=2))
        return 0
    for note in result.notes:
        print(note)
    numbers = ", ".join(f"{n} {what}" for what, n in counts.items())
    print(f"{args.path}: {numbers}, {bytes_text(result.size)}: no damage")
    return 0
