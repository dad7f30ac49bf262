"""Command `analyses.leakage`: harmonics of ReLU neurons against theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.leakage.schema import ANALYSIS
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return all networks' ratios, with the ideal neuron's."""
    from analyses.leakage.summary import summarise
    from analyses.leakage.tables import leakage_tables

    tables = leakage_tables(networks)
    return Result(tables, *summarise(tables))


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
    steps=False,
)
main = COMMAND.main
