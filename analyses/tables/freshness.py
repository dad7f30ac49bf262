"""Saved results of a run that are current."""

from __future__ import annotations

from collections.abc import Collection

from analyses.tables.schema import Table
from analyses.tables.storage import staleness
from training.runs.run_directory import RunDir


def is_analysed(run: RunDir, inputs: str, analysis: str, tables: Collection[Table]) -> bool:
    """Return True if an analysis' tables exist and are current.

    Current: made from today's networks, by today's schema and code, with default arguments.

    Parameters
    ----------
    inputs : str
        Today's hash of what analyses read of the run (`RunInputs`).
    """
    if not run.analysis(analysis, ".json").exists():  # written last
        return False
    paths = {table: run.analysis(table.name, ".parquet") for table in tables}
    if not all(path.exists() for path in paths.values()):
        return False
    return all(staleness(path, table, inputs) is None for table, path in paths.items())
