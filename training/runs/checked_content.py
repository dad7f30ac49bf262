"""Metrics of an arm as Parquet, and checks of what is read from a run: metrics, and records of arms.

Behind them nothing meets a value of another type, an impossible number or steps that do not increase. Every
error names the file, and the row or field.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.runs.atomic_files import RunError
from training.schema.plain_content import shown

if TYPE_CHECKING:
    import pandas as pd

SHARES = ("train_acc", "test_acc")
SIZES = ("train_loss", "test_loss", "l1", "l2")
"""Metrics that are at least 0; they may be infinite, or NaN where they were not measured."""
MOST_STEPS = 2**53
"""Steps up to which a floating-point number tells them apart."""
ROUNDING = 1e-6
"""A cross-entropy of nearly 0 may come out below it."""
ADVICE = "put back the file as it was written, or make it anew"


def metrics_bytes(columns: Mapping[str, np.ndarray]) -> bytes:
    """Return a Parquet file of number columns, as `DataFrame.to_parquet` writes them without an index.

    A run has thousands of these small files, and pandas takes several times as long for the same bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(tuple((name, values.dtype.str) for name, values in columns.items()))
    arrays = [pa.array(values, from_pandas=True) for values in columns.values()]  # NaN becomes null
    output = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, schema=schema), output, compression="snappy")
    content: bytes = output.getvalue().to_pybytes()
    return content


def read_metrics(path: Path) -> pd.DataFrame | dict[str, np.ndarray]:
    """Return a Parquet file's columns; as `pandas.read_parquet` does, unless they are plain numbers."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        table = file.read(use_threads=False)
    has_index = (table.schema.pandas_metadata or {}).get("index_columns")
    names = table.column_names
    is_plain = all(
        pa.types.is_float64(column.type) or (pa.types.is_int64(column.type) and not column.null_count)
        for column in table.columns
    )
    if has_index or not is_plain or len(set(names)) < len(names):
        return pd.read_parquet(path)
    return dict(zip(names, (column.to_numpy() for column in table.columns), strict=True))


@functools.lru_cache(maxsize=64)
def _schema(kinds: tuple[tuple[str, str], ...]) -> Any:
    """Return the Arrow schema of columns by name and dtype, with what pandas notes about them."""
    import pandas as pd
    import pyarrow as pa

    empty = pd.DataFrame({name: np.empty(0, dtype=dtype) for name, dtype in kinds})
    return pa.Schema.from_pandas(empty, preserve_index=False)


def checked_metrics(
    path: Path,
    table: pd.DataFrame | Mapping[str, np.ndarray],
    needed: Sequence[str] = (),
    measured: str | None = None,
) -> pd.DataFrame:
    """Return metrics after checking them, steps as integers, metrics as floats.

    Columns of other code are left as they are.

    Parameters
    ----------
    path : path
        File that they were read from, named in errors.
    table : DataFrame or mapping
        Columns of numbers, by name.
    needed : sequence of str
        Columns that must be there, beside `step`.
    measured : str, optional
        Column that must have a value in some row.

    Raises
    ------
    RunError
        If a column is missing or not of numbers; there is no row; a step is no whole number from 0 above the
        one before; an accuracy is outside 0 to 1, or another metric below 0; or nothing of `measured` was
        measured.
    """
    needed = ["step", *needed]
    if missing := [name for name in dict.fromkeys(needed) if name not in table]:
        expected = ", ".join(sorted(set(needed)))
        raise RunError(f"{path}: expected columns {expected}, and {', '.join(missing)} is missing; {ADVICE}")
    if not len(table["step"]):
        raise RunError(f"{path}: expected a row per evaluation, got none; {ADVICE}")
    steps = _steps(path, table["step"])
    columns: dict[str, np.ndarray] = {"step": steps}
    for name in (*SHARES, *SIZES):
        if name in table:
            columns[name] = values = _numbers(path, table[name])
            most = 1 if name in SHARES else np.inf
            expected = "a share from 0 to 1" if name in SHARES else "a number from 0"
            _refuse(path, name, values, (values < -ROUNDING) | (values > most + ROUNDING), expected)
    if measured is not None and np.isnan(columns[measured]).all():
        raise RunError(f"{path}: {measured}: expected a measurement, got none in {len(steps)} rows; {ADVICE}")
    if isinstance(table, Mapping):
        import pandas as pd

        return pd.DataFrame({name: columns.get(name, values) for name, values in table.items()})
    return table.reset_index(drop=True).assign(**columns)


def _steps(path: Path, column: pd.Series | np.ndarray) -> np.ndarray:
    steps = _numbers(path, column)
    whole = np.isfinite(steps) & (steps >= 0) & (steps < MOST_STEPS) & (steps == np.floor(steps))
    _refuse(path, "step", steps, ~whole, "a whole number from 0")
    above = np.diff(steps, prepend=-1) > 0
    _refuse(path, "step", steps, ~above, "a larger number than in the row before")
    return steps.astype(np.int64)


def _numbers(path: Path, column: pd.Series | np.ndarray) -> np.ndarray:
    """Return a column as floats; missing values become NaN."""
    if isinstance(column, np.ndarray):
        return column.astype(np.float64, copy=False)
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    dtype = column.dtype
    if not is_numeric_dtype(dtype) or is_bool_dtype(dtype) or is_complex_dtype(dtype):
        raise RunError(
            f"{path}: {column.name}: row 1: expected numbers, got {shown(column.iloc[0])}; {ADVICE}"
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _refuse(path: Path, name: str, values: np.ndarray, is_wrong: np.ndarray, expected: str) -> None:
    """Raise an error that names the first wrong row, counted from 1."""
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise RunError(f"{path}: {name}: row {row + 1}: expected {expected}, got {values[row]:g}; {ADVICE}")


def checked_done(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a finished arm after checking its fields.

    Raises
    ------
    RunError
        If a field has another type than it is written with.
    """
    _check(path, "hash", record["hash"], isinstance(record["hash"], str), "text")
    _check(path, "config", record["config"], isinstance(record["config"], Mapping), "a table of fields")
    _check(path, "steps", record["steps"], _is_step(record["steps"]), "a whole number from 0")
    check_identity(path, record)
    source = record["source"]
    if source is None:
        return record
    _check(path, "source", source, isinstance(source, Mapping), "a table of fields, or null")
    _check(path, "source.arm", source.get("arm"), isinstance(source.get("arm"), str), "the name of an arm")
    for name in ("seed", "step"):
        if name in source:
            _check(path, f"source.{name}", source[name], _is_step(source[name]), "a whole number from 0")
    generalised = source.get("generalised")
    _check(path, "source.generalised", generalised, generalised in (None, True, False), "true or false")
    return record


def check_identity(path: Path, record: Mapping[str, Any]) -> None:
    """Raise a `RunError` if a record's code, platform, start or files have another type.

    A record of an older version has none of them.
    """
    for name in ("code", "start", "seal"):
        value = record.get(name)
        _check(path, name, value, value is None or isinstance(value, str), "text")
    for name in ("platform", "files", "taken_from", "reduced"):
        value = record.get(name, {})
        is_table = isinstance(value, Mapping) and all(isinstance(part, str | None) for part in value.values())
        _check(path, name, value, is_table, "a table of texts")
    codes = record.get("compatible_code", [])
    is_list = isinstance(codes, list) and all(isinstance(code, str) for code in codes)
    _check(path, "compatible_code", codes, is_list, "a list of digests")
    entries = record.get("accepted", [])
    are_tables = isinstance(entries, list) and all(isinstance(entry, Mapping) for entry in entries)
    _check(path, "accepted", entries, are_tables, "a list of tables")


def _is_step(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_STEPS


def _check(path: Path, field: str, value: Any, is_right: bool, expected: str) -> None:
    if not is_right:
        raise RunError(f"{path}: damaged: {field}: expected {expected}, got {shown(value)}; {ADVICE}")
