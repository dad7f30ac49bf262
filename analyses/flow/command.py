"""Command `analyses.flow`: training against the decoupled flow."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analyses.flow.schema import ANALYSIS, UNTIL
from analyses.running.command import Command
from analyses.running.command_line import Result, whole_number_from

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network], until: int = UNTIL) -> Result:
    """Return all networks' tables, with a summary per arm."""
    from analyses.flow.summary import summarise
    from analyses.flow.tables import flow_tables

    tables = flow_tables(networks, until)
    return Result(tables, *summarise(tables, until))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--until",
        type=whole_number_from(1),
        default=UNTIL,
        metavar="STEP",
        help=f"compare checkpoints up to this step (default: {UNTIL})",
    )


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.until),
    steps=False,
    add_arguments=_add_arguments,
    options={"until": UNTIL},
)
main = COMMAND.main
