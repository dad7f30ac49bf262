"""Command `analyses.leakage`: harmonics of ReLU neurons against theory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.leakage.schema import ANALYSIS
from analyses.running.command_line import Result, analyse, parser

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    args = parser(ANALYSIS, steps=False).parse_args(argv)
    return analyse(ANALYSIS, args, lambda _, networks: measure(networks))


def measure(networks: list[Network]) -> Result:
    """Return the tables of all networks and of the ideal neuron, with a summary."""
    from analyses.leakage.schema import IDEAL
    from analyses.leakage.summary import summarise
    from analyses.leakage.tables import ideal_neuron, tables_of_run

    tables = tables_of_run(networks) | {IDEAL: ideal_neuron()}
    return Result(tables, *summarise(tables))
