"""Runs for the explorer: their networks and the tables that the page shows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.fourier import schema as fourier
from analyses.graph_props import schema as graph_props
from analyses.progress import schema as progress
from analyses.snapshots import schema as snapshots
from analyses.tables.schema import Analysis, Table

if TYPE_CHECKING:
    import pandas as pd

    from training.inspection.run import Run
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

MEASURED = (snapshots.ANALYSIS, fourier.ANALYSIS)
"""Analyses that are run if their tables are missing or stale."""
SHOWN_IF_THERE = (progress.ANALYSIS, graph_props.ANALYSIS)
"""Analyses that take minutes: shown if their tables are current, or made on demand."""
READ = (
    *(snapshots.WAVES, snapshots.PAIRS, snapshots.CIRCLES, snapshots.MASK_GRAPHS),
    *(fourier.SPECTRA, progress.ANALYSIS.tables[0], graph_props.PROPERTIES),
)
"""Tables that the page shows."""


@dataclass(frozen=True)
class ExploredRun:
    """A run as the explorer sees it."""

    run: Run
    networks: Sequence[Network]
    tables: Mapping[Table, pd.DataFrame]
    """Those of `READ` that there are."""
    notes: Sequence[str]
    """What is left out, and why."""

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.run.path.resolve().name

    def rows(self, table: Table, network: Network) -> pd.DataFrame | None:
        """Return a network's rows of a table; None without any."""
        rows = self.tables.get(table)
        if rows is None:
            return None
        rows = rows[(rows["arm"] == network.arm) & (rows["seed"] == network.seed)]
        return rows if len(rows) else None


def explored_run(
    path: Run | RunDir | Path | str, arms: Sequence[str] | None = None, everything: bool = False
) -> ExploredRun:
    """Open a run, measure what is missing, and read what the page shows.

    Parameters
    ----------
    arms : sequence of str, optional
        Only these arms.
    everything : bool
        True: measure also what takes minutes, `SHOWN_IF_THERE`.

    Raises
    ------
    ConfigError
        If there is no such arm.
    RunError
        If the run is damaged or has no finished network.
    """
    from training.inspection.run import open_run
    from training.runs.atomic_files import RunError
    from training.schema.validation import names, require

    run = open_run(path)
    networks = run.networks
    known = dict.fromkeys(network.arm for network in networks)
    require(set(arms or ()) <= known.keys(), "--arms", f"some of {names(known)}", names(arms or ()))
    networks = [network for network in networks if arms is None or network.arm in arms]
    if not networks:
        raise RunError(f"{run.path}: no finished network; 'python -m training status' says what is left")
    tables: dict[Table, pd.DataFrame] = {}
    notes = []
    for analysis in (*MEASURED, *SHOWN_IF_THERE):
        try:
            tables |= _tables(run, analysis, everything or analysis in MEASURED)
        except RunError as error:
            notes.append(f"{analysis.name}: {error}")
    for note in notes:
        print(f"explorer: {note}", file=sys.stderr)
    return ExploredRun(run, networks, tables, notes)


def _tables(run: Run, analysis: Analysis, is_measured: bool) -> dict[Table, pd.DataFrame]:
    """Return an analysis' tables that the page shows, measured first if they are missing or stale.

    Raises
    ------
    RunError
        If no network of the run can be measured, or the tables are not current and not to be made.
    """
    from analyses.running.measured_tables import measure
    from analyses.tables.inputs import RunInputs
    from analyses.tables.origin import is_current
    from training.runs.atomic_files import RunError

    if not is_measured and not is_current(run.files, RunInputs(run), analysis.name, analysis.tables):
        raise RunError(f"not measured; '{analysis.command(str(run.path))}' makes its tables")
    measured = measure(run, analysis.name).tables
    return {table: rows for table, rows in measured.items() if table in READ}
