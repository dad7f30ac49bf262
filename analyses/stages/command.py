"""Command `analyses.stages`: stages of grokking and classes of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.stages.schema import ANALYSIS

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return tables of all networks, and every network's stages."""
    from analyses.stages.summary import summarise
    from analyses.stages.tables import network_tables
    from analyses.tables.long_format import gather

    parts = [network_tables(network) for network in networks]
    tables = {table: gather([part[table] for part in parts]) for table in ANALYSIS}
    return Result(tables, *summarise(tables))


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
)
main = COMMAND.main
