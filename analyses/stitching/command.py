"""Command `analyses.stitching`: neurons read by other networks' output maps."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.running.spreading import add_spreading_options, chosen_executor
from analyses.stitching.schema import ANALYSIS, STITCHING

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(networks: Sequence[Network], readers: Sequence[str], workers: int | Executor) -> Result:
    """Return the table of the networks, with its summary.

    Raises
    ------
    ConfigError
        If an arm is asked to read that is not measured.
    """
    from analyses.stitching.summary import summarise
    from analyses.stitching.tables import stitching_table

    table = stitching_table(networks, readers, workers)
    return Result({STITCHING: table}, *summarise(table))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--readers",
        nargs="+",
        default=[],
        metavar="ARM",
        help="arms whose output maps read all neurons; by default the first dense arm, the first ticket, and "
        "controls, four at most",
    )
    add_spreading_options(p)


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    with chosen_executor(args, run.path.parent) as workers:
        return measure(networks, args.readers, workers)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    add_arguments=_add_arguments,
    options={"readers": []},
)
main = COMMAND.main
