"""Command `analyses.events`: what every event changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.events.schema import ANALYSIS, CURVES, EVENTS
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


def measure(networks: Sequence[Network]) -> Result:
    """Return the tables of all events that acted, with their summary.

    Raises
    ------
    RunError
        If no event has acted in any network.
    """
    from analyses.events.summary import summarise
    from analyses.events.tables import network_tables
    from analyses.tables.long_format import gather
    from training.runs.atomic_files import RunError

    by_name = {(network.arm, network.seed): network for network in networks}
    parts = [tables for network in networks if (tables := network_tables(network, by_name)) is not None]
    if not parts:
        path = networks[0].files.path.parents[2]
        raise RunError(
            f"{path}: no event has acted in a chosen network; an arm has events by arms.NAME.events in the "
            "recipe, and --arms chooses other networks"
        )
    tables = {table: gather([part[table] for part in parts]) for table in (EVENTS, CURVES)}
    return Result(tables, *summarise(tables))


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(networks),
    steps=False,
)
main = COMMAND.main
