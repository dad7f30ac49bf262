"""Check of a table that was read, against its schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analyses.tables.schema import Column, Table
from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    import pandas as pd

KINDS = {int: "iuf", float: "fiu", bool: "bO", str: "O"}
"""Kinds of NumPy types that a saved column may have; a whole number with gaps is saved as a float."""


def checked_table(path: Path, table: Table, rows: pd.DataFrame, remake: str) -> pd.DataFrame:
    """Return a table if it has the columns and types of its schema.

    Parameters
    ----------
    remake : str
        Command that makes the table, for the error.

    Raises
    ------
    RunError
        If a column is missing, has another type, or lacks values that the schema always has.
    """
    absent = [column.name for column in table.columns if column.name not in rows and not column.optional]
    if absent:
        raise RunError(
            f"{path}: expected the columns of {table.name}, got none named {', '.join(absent)}; {remake}"
        )
    for column in table.columns:
        if column.name in rows and len(rows):
            _check_column(path, column, rows[column.name], remake)
    return rows


def _check_column(path: Path, column: Column, values: pd.Series, remake: str) -> None:
    where = f"{path}: column {column.name}"
    is_text = column.dtype is not str or all(isinstance(value, str) for value in values.dropna().unique())
    if values.dtype.kind not in KINDS[column.dtype] or not is_text:
        raise RunError(f"{where}: expected {column.dtype.__name__}, got {values.dtype}; {remake}")
    if values.isna().any() and not (column.missing or column.optional):
        raise RunError(f"{where}: expected a value in every row, got {values.isna().sum()} gaps; {remake}")
