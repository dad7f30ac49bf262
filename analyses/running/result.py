"""Output of an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    import pandas as pd

MAIN_TABLE = "table"
"""Name by which the main table is read."""


class Result:
    """Output of an analysis: tables, by their names, and a summary.

    `result.table` is the main table, `result.neurons` the one whose name ends so, each a data frame.

    Parameters
    ----------
    tables : mapping
        Rows by schema, of every table of the analysis.
    summary : dict
        Numbers that are written as JSON, and printed with `--json`.
    printed : sequence of PrintedTable
        Summary for people; none if the tables were read from disk.
    """

    def __init__(
        self,
        tables: Mapping[Table, pd.DataFrame],
        summary: dict[str, Any],
        printed: Sequence[PrintedTable] = (),
    ):
        self.tables, self.summary, self.printed = tables, summary, printed

    def _by_name(self) -> dict[str, pd.DataFrame]:
        tables = self.__dict__.get("tables", {})  # pickle asks for attributes before there are any
        return {table.part or MAIN_TABLE: rows for table, rows in tables.items()}

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self._by_name()
        if name in tables:
            return tables[name]
        names = ", ".join([*tables, "summary", "tables", "printed"])
        raise AttributeError(f"result: expected one of {names}, got {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._by_name()]

    def __repr__(self) -> str:
        counts = [f"  {name}: {len(rows):,} rows" for name, rows in self._by_name().items()]
        analysis = next((table.analysis for table in self.tables), "")
        return "\n".join([f"Result of {analysis}:", *counts])
