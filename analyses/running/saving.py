"""Results as saved tables and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analyses.running.result import Result
from analyses.tables.schema import Analysis

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Record of what was measured: networks, arguments, roles of arms."""

    roles: Mapping[str, str] = field(default_factory=dict)
    """Role of every arm."""
    inputs: str = ""
    """Hash of what the analysis read."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that change the tables, where they differ from their defaults."""


def save_result(analysis: Analysis, result: Result, target: RunDir, measured: Measured) -> Result:
    """Write all tables and the summary, and return the result as saved."""
    from analyses.tables.storage import save_table
    from training.runs.atomic_files import write_json, write_table

    assert set(result.tables) == set(analysis.tables), "an analysis saves all the tables that it declares"
    summary, saved = plain(result.summary), {}
    write_json(target.analysis(analysis.name, ".json"), summary)
    for table in reversed(analysis.tables):  # the main table last: it vouches for the summary too
        saved[table] = save_table(
            target.analysis(table.name, ".parquet"),
            table,
            result.tables[table],
            inputs=measured.inputs,
            arguments=measured.arguments,
            roles=measured.roles,
        )
    write_table(target.analysis(analysis.name, ".csv"), saved[analysis.tables[0]])
    return Result({table: saved[table] for table in analysis.tables}, summary, result.printed)


def fitted_result(analysis: Analysis, result: Result, measured: Measured) -> Result:
    """Return a result as `save_result` does, without writing it."""
    from analyses.tables.storage import fit_to_schema, with_roles

    tables = {
        table: fit_to_schema(table, with_roles(table, result.tables[table], measured.roles))
        for table in analysis.tables
    }
    return Result(tables, plain(result.summary), result.printed)


def read_result(analysis: Analysis, run: RunDir) -> Result:
    """Return the saved result of a run.

    Raises
    ------
    RunError
        If a table is missing, damaged, or made by another schema or other code.
    """
    from analyses.tables.storage import load_summary, load_table

    summary = load_summary(run.analysis(analysis.name, ".json"), analysis)
    return Result(
        {table: load_table(run.analysis(table.name, ".parquet"), table) for table in analysis.tables}, summary
    )


def plain(content: Any) -> Any:
    """Return plain JSON types; JSON has no NaN, so an undefined number becomes null."""
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content
