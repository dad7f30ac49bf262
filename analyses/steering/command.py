"""Command `analyses.steering`: frequencies of the first input moved."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.steering.schema import ANALYSIS, MEANS, SIZES, STEPS

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

SHIFT = 1
"""Default of `--shift`."""


def measure(networks: Sequence[Network], shift: int) -> Result:
    """Return all tables of the networks, with their summary.

    Raises
    ------
    ConfigError
        If the shift is a multiple of a network's p.
    """
    from analyses.steering.summary import summarise
    from analyses.steering.tables import means, network_tables
    from analyses.tables.long_format import gather
    from training.schema.validation import require

    for p in {network.p for network in networks}:
        require(shift % p != 0, "--shift", f"a number of residues that is no multiple of {p}", shift)
    parts = [network_tables(network, shift) for network in networks]
    tables = {table: gather([part[table] for part in parts]) for table in (SIZES, STEPS)}
    tables[MEANS] = means(tables[SIZES])
    return Result(tables, *summarise(tables, shift))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--shift",
        type=int,
        default=SHIFT,
        metavar="S",
        help=f"number of residues by which the first input is moved, of either sign (default: {SHIFT})",
    )


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    return measure(networks, args.shift)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    add_arguments=_add_arguments,
    options={"shift": SHIFT},
)
main = COMMAND.main
