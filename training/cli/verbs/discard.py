"""Command `python -m training discard RUN`: delete what --force has replaced."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training discard",
        description="List the networks that --force has moved to arms/.replaced of a run; with --yes, delete "
        "them.",
    )
    p.add_argument("run", metavar="RUN", help="folder of a run, as runs/modadd_fast")
    p.add_argument("--yes", action="store_true", help="delete them: nobody can restore them then")
    p.add_argument("--json", action="store_true", help="print the list as JSON")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, list or delete."""
    args = parser().parse_args(list(argv))
    return run_command(lambda: _discard(args), args.plugins)


def _discard(args: argparse.Namespace) -> int:
    from training.inspection.resource_estimate import bytes_text
    from training.runs.replaced_arms import discard_replaced, replaced_arms
    from training.runs.run_directory import RunDir

    run = RunDir.open(args.run)
    networks = replaced_arms(run)
    if args.yes:
        discard_replaced(run)
    rows = [
        {"replaced": network.moved, "arm": network.arm, "seed": network.seed, "bytes": network.size}
        for network in networks
    ]
    if args.json:
        print(json.dumps({"run": str(run.path), "deleted": args.yes, "networks": rows}, indent=2))
        return 0
    if not networks:
        print(f"{run.path}: nothing was replaced")
        return 0
    for row, network in zip(rows, networks, strict=True):
        row["size"] = bytes_text(network.size)
        del row["bytes"]
    size = bytes_text(sum(network.size for network in networks))
    title = f"Networks of {run.path} that were replaced, by the time of the start that replaced them."
    conclusion = (
        f"{size}, deleted." if args.yes else f"{size} in {run.path}/arms/.replaced; --yes deletes them all."
    )
    print(PrintedTable(title, rows, conclusion).text())
    return 0
