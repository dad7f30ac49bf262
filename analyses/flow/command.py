"""Command `analyses.flow`: training against the decoupled flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.flow.schema import ANALYSIS, UNTIL
from analyses.running.command_line import Result, analyse, parser, whole_number_from

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    p = parser(ANALYSIS, steps=False)
    p.add_argument(
        "--until",
        type=whole_number_from(1),
        default=UNTIL,
        metavar="STEP",
        help=f"compare checkpoints up to this step (default: {UNTIL})",
    )
    args = p.parse_args(argv)
    return analyse(
        ANALYSIS,
        args,
        lambda run, networks: measure(run, networks, args.until),
        arguments={} if args.until == UNTIL else {"until": args.until},
    )


def measure(run: RunDir, networks: list[Network], until: int = UNTIL) -> Result:
    """Return all networks' tables, with a summary per arm."""
    from analyses.flow.summary import summarise
    from analyses.flow.tables import flow_tables

    tables = flow_tables(networks, until)
    return Result(tables, *summarise(tables, until))
