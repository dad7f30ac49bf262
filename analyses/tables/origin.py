"""Origin of a saved table: what made it, of what, and whether that is still so."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.tables.inputs import Inputs, RunInputs
from analyses.tables.output_folder import arguments_text, folder_with_arguments, run_of_tables
from analyses.tables.schema import Analysis, Table
from training.runs import sealed_table
from training.runs.atomic_files import RunError, reading
from training.schema.code_digest import code_digest, module_digest
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir

METADATA_KEY = sealed_table.ORIGIN
"""Key of a table's origin in the Parquet file's metadata."""
ORIGIN = "origin"
"""Key of a summary's origin in its JSON file."""
FORMAT = 2
"""Format of origins; a table with another one is stale, and is made again."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Origin of a saved table: schema, code, inputs and arguments."""

    format: int = FORMAT
    table: str
    version: int
    schema: str
    """`Table.digest()` of the schema it was written by."""
    code: str
    """`analysis_code` of the analysis that made it."""
    inputs: Inputs | None
    """Config, networks and files that it was made of; None for a table that was made of no run."""
    arguments: Mapping[str, Any]
    """Arguments of the command that differ from their defaults and change the table."""


MEASURES_OF_PLUGINS: dict[str, Callable[..., Any]] = {}
"""By analysis that a plug-in defines: the function that measures."""


def analysis_code(analysis: str) -> str:
    """Return the hash of an analysis' code, its imports included.

    Schemas do not count: a table records the hash of its own schema.
    """
    measure = MEASURES_OF_PLUGINS.get(analysis)
    if measure is None:
        return _package_code(analysis)
    with suppress(OSError, TypeError):
        if measure.__module__ == "__main__":  # a notebook's cells have no file
            return hashlib.sha256(inspect.getsource(measure).encode()).hexdigest()
    return module_digest(measure.__module__)


@functools.cache
def _package_code(analysis: str) -> str:
    """Return the hash of the code of an analysis of this package."""
    folder = Path(__file__).parents[1] / analysis
    modules = [f"analyses.{analysis}.{file.stem}" for file in folder.glob("*.py") if file.stem != "schema"]
    return code_digest([module.removesuffix(".__init__") for module in modules], leave_out=".schema")


def origin_of(table: Table, inputs: Inputs | None, arguments: Mapping[str, Any]) -> Origin:
    """Return the origin of a table that is made now."""
    return Origin(
        table=table.name,
        version=table.version,
        schema=table.digest(),
        code=analysis_code(table.analysis),
        inputs=inputs,
        arguments=arguments,
    )


def refuse_stale(path: Path, table: Table) -> None:
    """Raise a `RunError` with the command that makes a table, unless schema and code made it."""
    remake = f"'{remake_command(path, table)}' makes it"
    if not path.exists():
        raise RunError(f"{path}: missing; {remake}")
    origin = read_origin(path)
    if origin is None or origin.table != table.name or origin.schema != table.digest():
        version = "none" if origin is None else f"{origin.table}, version {origin.version}"
        expected = f"the schema {table.name}, version {table.version}"
        raise RunError(f"{path}: expected {expected}, got {version}; {remake} again")
    if origin.code != analysis_code(table.analysis):
        raise RunError(f"{path}: made by other code than the installed one; {remake} again")


def staleness(path: Path, table: Table, now: RunInputs) -> str | None:
    """Return why a saved table is stale; None if it is current.

    Parameters
    ----------
    now : RunInputs
        Networks and files of the run today.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    origin = read_origin(path)
    if origin is None or origin.table != table.name or origin.schema != table.digest():
        return "made by another schema"
    if origin.code != analysis_code(table.analysis):
        return "made by other code"
    if origin.arguments:
        return f"made with {arguments_text(origin.arguments)}"
    return "made of no run" if origin.inputs is None else now.change(origin.inputs)


def output_folder(
    default: RunDir, out: Path | str | None, analysis: Analysis, arguments: Mapping[str, Any]
) -> RunDir:
    """Return the folder that tables are saved in; no full table is overwritten by one made with arguments.

    Parameters
    ----------
    default : RunDir
        Folder of the full tables: the run.
    out : path, optional
        Folder that the user chose.
    arguments : mapping
        Arguments that change the tables; empty for the full ones.

    Raises
    ------
    ConfigError
        If the chosen folder holds full tables, and these would not be.
    """
    from training.runs.run_directory import RunDir

    target = RunDir(default.path if out is None else out)
    if not arguments:
        return target
    if target.path.resolve() == default.path.resolve():
        return folder_with_arguments(default, arguments)
    path = target.analysis(analysis.name, ".parquet")
    origin = read_origin(path) if path.exists() else None
    if origin is not None and not origin.arguments:
        raise ConfigError(
            f"--out: expected a folder without the full tables of {analysis.name}, got {out}, which has "
            f"them; choose another folder, or leave out {arguments_text(arguments)}"
        )
    return target


def is_current(run: RunDir, now: RunInputs, analysis: str, tables: Collection[Table]) -> bool:
    """Return True if an analysis' saved tables exist and are current.

    Current: made from today's networks, by today's schema and code, with default arguments.

    Parameters
    ----------
    now : RunInputs
        Networks and files of the run today.
    """
    if not run.analysis(analysis, ".json").exists():  # written last
        return False
    paths = {table: run.analysis(table.name, ".parquet") for table in tables}
    if not all(path.exists() for path in paths.values()):
        return False
    return all(staleness(path, table, now) is None for table, path in paths.items())


def read_origin(path: Path) -> Origin | None:
    """Return a saved table's origin; None without one in today's format.

    Raises
    ------
    RunError
        If the file is missing or damaged.
    """
    import pyarrow.parquet as pq

    with reading(path):
        metadata = pq.read_schema(path).metadata or {}
        if METADATA_KEY not in metadata:
            return None
        content = json.loads(metadata[METADATA_KEY])
        if content.get("format") != FORMAT or content.keys() != {field.name for field in fields(Origin)}:
            return None
        inputs = content["inputs"]
        return Origin(**content | {"inputs": None if inputs is None else Inputs(**inputs)})


def remake_command(path: Path, table: Table) -> str:
    """Return the command that makes a saved table."""
    dot = " " if table.analysis in MEASURES_OF_PLUGINS else "."
    folder = path.parent.parent
    command = f"python -m analyses{dot}{table.analysis} --run {run_of_tables(folder)}"
    if run_of_tables(folder) == folder or not path.exists():
        return command
    origin = read_origin(path)
    return command if origin is None else f"{command} {arguments_text(origin.arguments)}"
