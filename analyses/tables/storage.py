"""Saved tables: written by their schema, read back and checked."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.tables.checked_table import checked_table
from analyses.tables.inputs import Inputs
from analyses.tables.origin import METADATA_KEY, ORIGIN, origin_of, refuse_stale, remake_command
from analyses.tables.schema import Analysis, Column, SchemaError, Table
from training.runs.atomic_files import RunError, file_hash, read_json, reading, write_bytes
from training.runs.sealed_table import files_written_with, intact_content, seal_metadata, sealed

if TYPE_CHECKING:
    import pandas as pd

Settings = Mapping[str, Mapping[Any, bool | int | float | str | None]]
"""Values of fields of the recipe, by field and arm; by run and arm for a table of several runs."""


def save_table(
    path: Path,
    table: Table,
    rows: pd.DataFrame,
    *,
    inputs: Inputs | None = None,
    arguments: Mapping[str, Any] | None = None,
    roles: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    files: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Save a table with its origin, sealed, and return it as saved.

    Parameters
    ----------
    inputs, arguments
        As in `Origin`.
    files : mapping, optional
        SHA-256 of files that are written with it, by name: an analysis' main table vouches for them.
    roles : mapping
        Role of every arm, for the columns of roles.
    settings : mapping
        Fields in which arms differ, which become columns of tables of arms.

    Raises
    ------
    SchemaError
        If the rows do not fit the schema; the message names the column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fitted = fitted_table(table, rows, roles or {}, settings or {})
    origin = origin_of(table, inputs, arguments or {})
    content = pa.Table.from_pandas(fitted, preserve_index=False)
    metadata = {**(content.schema.metadata or {}), METADATA_KEY: json.dumps(asdict(origin)).encode()}
    buffer = io.BytesIO()
    pq.write_table(content.replace_schema_metadata(metadata | seal_metadata(files)), buffer)
    write_bytes(path, sealed(buffer.getvalue()))
    return fitted


def load_table(path: Path, table: Table) -> pd.DataFrame:
    """Return a saved table, refused if it does not fit today's schema and code.

    Its columns and their types are checked too: the file may have been edited.

    Raises
    ------
    RunError
        If it is missing, damaged, or was made by another schema or other code; the message has the command
        that makes it.
    """
    import pandas as pd

    refuse_stale(path, table)
    remake = f"'{remake_command(path, table)}' makes it again"
    content = intact_content(path, remake)
    with reading(path):
        rows = pd.read_parquet(io.BytesIO(content))
    return checked_table(path, table, rows, remake)


def load_summary(path: Path, analysis: Analysis) -> dict[str, Any]:
    """Return an analysis' saved summary, refused if the main table beside it is stale.

    Raises
    ------
    RunError
        If it or the main table is missing or damaged, it was not written with that table, or the table was
        made by another schema or other code; the message has the command that makes both.
    """
    main = path.with_suffix(".parquet")
    refuse_stale(main, analysis.tables[0])
    recorded = files_written_with(main).get(path.name)
    if recorded is not None and path.exists() and file_hash(path) != recorded:
        remake = f"'{remake_command(main, analysis.tables[0])}' makes it again"
        raise RunError(f"{path}: damaged: its SHA-256 is not the one in {main.name}; {remake}")
    summary = read_json(path)
    if not isinstance(summary, dict):
        state = "missing" if summary is None else "damaged"
        raise RunError(f"{path}: {state}; '{remake_command(path, analysis.tables[0])}' makes it")
    summary.pop(ORIGIN, None)
    return summary


def fitted_table(
    table: Table, rows: pd.DataFrame, roles: Mapping[str, str], settings: Settings
) -> pd.DataFrame:
    """Return the rows as saved, with roles and settings.

    Raises
    ------
    SchemaError
        If the rows do not fit the schema; the message names the column.
    """
    fitted = fit_to_schema(table, with_roles(table, rows, roles))
    return with_settings(fitted, settings) if table.has_settings else fitted


def with_roles(table: Table, rows: pd.DataFrame, roles: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows with the schema's missing columns of roles filled in."""
    missing = [column for column in table.columns if column.role_of and column.name not in rows]
    return rows.assign(
        **{c.name: [roles.get(arm, "") for arm in rows[c.role_of]] for c in missing if c.role_of in rows}
    )


def with_settings(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Return rows with a column per field in which arms differ.

    A column that is there already stays as it is.
    """
    import pandas as pd

    of_runs = zip(rows["run"], rows["arm"], strict=True) if "run" in rows else None
    codes, arms = pd.factorize(rows["arm"] if of_runs is None else pd.Series(list(of_runs), dtype=object))
    columns = {}
    for field, value_of in settings.items():
        if field in rows:
            continue
        values = [value_of.get(arm) for arm in arms]
        present = [value for value in values if value is not None]
        if any(isinstance(value, str) for value in present):
            entries = pd.Series([None if value is None else str(value) for value in values], dtype="str")
        elif any(isinstance(value, bool) for value in present):
            entries = pd.Series(values, dtype="object" if len(present) < len(values) else "bool")
        else:
            whole = present == values and all(isinstance(value, int) for value in values)
            entries = pd.Series(values, dtype="int64" if whole else "float64")
        columns[field] = entries.take(codes).set_axis(rows.index)
    return rows.assign(**columns) if columns else rows


def fit_to_schema(table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the schema's columns, in its order and of its types.

    Raises
    ------
    SchemaError
        If a column is missing or not declared, holds values of another type, or the key is not unique.
    """
    import pandas as pd

    if rows.empty and len(rows.columns) == 0:
        rows = pd.DataFrame(columns=[column.name for column in table.columns])
    if undeclared := [name for name in rows if not table.declares(name)]:
        raise SchemaError(f"table {table.name}: not in the schema: {', '.join(map(str, undeclared))}")
    absent = [column.name for column in table.columns if column.name not in rows and not column.optional]
    if absent:
        raise SchemaError(f"table {table.name}: columns of the schema are missing: {', '.join(absent)}")
    declared = [column.name for column in table.columns if column.name in rows]
    names: list[str] = [*declared, *(str(name) for name in rows if name not in declared)]
    fitted = pd.DataFrame({name: _converted(table, table[name], rows[name]) for name in names})
    repeated = fitted[fitted.duplicated(list(table.key), keep=False)] if table.key else fitted[:0]
    if len(repeated):
        row = ", ".join(f"{name} = {repeated.iloc[0][name]}" for name in table.key)
        raise SchemaError(
            f"table {table.name}: expected one row per {', '.join(table.key)}; several have {row}"
        )
    return fitted


def _converted(table: Table, column: Column, values: pd.Series) -> pd.Series:
    """Return values as the column's type; whole numbers with gaps become floats."""
    absent = values.isna()
    where = f"table {table.name}, column {values.name}"
    if absent.any() and not (column.missing or column.optional):
        raise SchemaError(f"{where}: {int(absent.sum())} of {len(values)} values are missing")
    present = values[~absent]
    kinds = {int: "iu", float: "fiu", bool: "b", str: "OUT"}[column.dtype]
    kind = present.infer_objects().dtype.kind if len(present) else kinds[0]
    if column.dtype is int and kind == "f" and (present == present.round()).all():
        kind = "i"
    if column.dtype is str and not all(isinstance(value, str) for value in present):
        kind = "?"
    if kind not in kinds:
        value = present.tolist()[0]  # as a plain Python value
        raise SchemaError(f"{where}: expected {column.dtype.__name__}, got {value!r}")
    if column.dtype is float and values.dtype.kind == "f":
        return values  # float32 stays float32
    if column.dtype is float or (column.dtype is int and absent.any()):
        return values.astype("float64")
    if column.dtype is int:
        return values.astype("int64")
    if column.dtype is bool:
        return values.astype("object" if absent.any() else "bool")
    return values.astype("str")
