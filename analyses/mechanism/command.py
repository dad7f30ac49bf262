"""Command `analyses.mechanism`: frequencies that a ticket inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.mechanism.schema import ANALYSIS
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return all networks' tables, with a summary per arm."""
    from analyses.mechanism.summary import summarise
    from analyses.mechanism.tables import mechanism_tables

    tables = mechanism_tables(networks)
    return Result(tables, *summarise(tables))


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
    steps=False,
)
main = COMMAND.main
