"""Text that explains an analysis' tables: every column in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from analyses.tables.schema import DTYPES, Analysis, Column, Table

WIDTH = 100
SETTINGS_NOTE = (
    "Tables with a column of arms also have a column for each field of the recipe in which the run's arms "
    "differ, as \"optimizer.lr\"; 'python -m training list fields' explains fields."
)


def explain(analysis: Analysis) -> str:
    """Return the question, the tables and all columns of an analysis as text."""
    lines = [f"analyses.{analysis.name}: {analysis.answers}", f"Takes {analysis.takes}."]
    if analysis.needs:
        lines.append(f"Networks without one of these are left out by name: {', '.join(analysis.needs)}.")
    for table in analysis:
        lines += ["", *_table_lines(table)]
    if any(table.has_settings for table in analysis):
        lines += ["", *textwrap.wrap(SETTINGS_NOTE, WIDTH)]
    return "\n".join(lines)


def _table_lines(table: Table) -> Iterator[str]:
    yield f"{table.name}.parquet (version {table.version}): {table.meaning}"
    needs = f" Only of networks with: {', '.join(table.needs)}." if table.needs else ""
    yield (f"One row per {', '.join(table.key)}." if table.key else "Rows have no key.") + needs
    for column in table.columns:
        yield from _column_lines(column.name, column)
    if table.numbered is not None:
        yield from _column_lines(f"one per {table.numbered.name}", table.numbered)


def _column_lines(name: str, column: Column) -> list[str]:
    parts = [column.meaning]
    if column.missing:
        parts.append(f"Missing: {column.missing}.")
    if column.needs:
        parts.append(f"Needs: {', '.join(column.needs)}; missing for other networks.")
    if column.optional:
        parts.append(f"Only of {column.optional}.")
    if column.source:
        parts.append(f"[{column.source}]")
    unit = column.unit or DTYPES[column.dtype]
    head = f"  {name} ({unit}): "
    return textwrap.wrap(head + " ".join(parts), WIDTH, subsequent_indent="      ")
