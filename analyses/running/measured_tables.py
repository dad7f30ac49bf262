"""Analyses from Python: a run in, its tables as data frames out."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.running.command import Command
from analyses.running.command_line import THREADS, plain_values, save
from analyses.running.registry import ANALYSES
from analyses.tables import storage
from analyses.tables.schema import Analysis, Table
from training.schema.validation import ConfigError, named_as_in_python, names

if TYPE_CHECKING:
    import pandas as pd

    from training.inspection.run import Run
    from training.runs.run_directory import RunDir

    AnyRun = Run | RunDir | Path | str

FIELDS = ("name", "answers", "takes", "cost")
"""Fields of an analysis that are listed."""


class MeasuredTables:
    """Tables of an analysis of a run, as attributes.

    A table has the name of its part: `fourier_neurons` is `neurons`; the main table is `table`. `summary` is
    the summary that the command prints.
    """

    def __init__(self, analysis: Analysis, tables: Mapping[Table, pd.DataFrame], summary: dict[str, Any]):
        self.analysis, self.summary = analysis, summary
        self.tables = {table: tables[table] for table in analysis.tables}
        """Data frames by schema."""

    def __getattr__(self, name: str) -> pd.DataFrame:
        by_name = {attribute(table): rows for table, rows in self.__dict__.get("tables", {}).items()}
        if name not in by_name:
            raise AttributeError(f"expected one of the tables {names(by_name)}, or summary, got {name!r}")
        return by_name[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *map(attribute, self.tables)]

    def __repr__(self) -> str:
        lines = [f"  {attribute(table)}: {len(rows):,} rows" for table, rows in self.tables.items()]
        keys = names(self.summary) or "nothing"
        return "\n".join([f"MeasuredTables({self.analysis.name})", *lines, f"  summary: {keys}"])


def attribute(table: Table) -> str:
    """Return the name of a table in `MeasuredTables`."""
    return table.part or "table"


@named_as_in_python()
def measure(
    run: AnyRun,
    analysis: str,
    arms: Sequence[str] | None = None,
    steps: Sequence[int | str] | str | None = None,
    **options: Any,
) -> MeasuredTables:
    """Measure a run, or read what was measured of it before.

    With default arguments the tables are saved in the run, as the command saves them, and read back while
    they are current: made from these networks, by this code. With any other argument they are measured and
    returned, and not saved.

    Parameters
    ----------
    run : Run, RunDir or path
        A run, trained here or adopted.
    analysis : str
        Name of an analysis; `list_analyses()` shows them.
    arms : sequence of str, optional
        Only these arms.
    steps : sequence of int or str, optional
        Only these checkpoints: steps, and ranges as "0:5000:100", ":5000", "1000:", without their end.
    options
        Options of the command, as `nulls=2` for `--nulls 2`. `jobs` changes no table.

    Returns
    -------
    MeasuredTables
        One data frame per table, and the summary.

    Raises
    ------
    ConfigError
        If the analysis, an arm, a step or an option is unknown; the message lists those there are.
    RunError
        If the run is damaged, or holds no network that the analysis can read.
    """
    from analyses.tables.inputs import RunInputs
    from analyses.tables.origin import is_current
    from training.config.plugin_use import names_defined_in_script
    from training.inspection.run import open_run

    command = command_of(analysis)
    chosen = {name: value for name, value in (("arms", arms), ("steps", steps)) if value is not None}
    args = command.with_options(chosen | options)
    opened = open_run(run)
    if getattr(args, "jobs", 1) is None and names_defined_in_script(opened.recipe):
        args.jobs = 1  # other processes cannot import a script or notebook
    files, is_default = opened.files, not command.changed(args)
    description = command.analysis
    if is_default and is_current(files, RunInputs(opened), description.name, description.tables):
        tables = {
            table: storage.load_table(files.analysis(table.name, ".parquet"), table) for table in description
        }
        summary = storage.load_summary(files.analysis(description.name, ".json"), description)
        return MeasuredTables(description, tables, summary)
    with one_thread():
        measured = command.measured(opened, args)
    if is_default:
        tables = save(
            description,
            measured.result,
            files,
            roles=measured.roles,
            settings=measured.settings,
            inputs=measured.inputs,
        )
    else:
        tables = {
            table: storage.fitted_table(table, rows, measured.roles, measured.settings)
            for table, rows in measured.result.tables.items()
        }
    return MeasuredTables(description, tables, plain_values(measured.result.summary))


def command_of(analysis: str) -> Command:
    """Return the command of an analysis, of a plug-in's too.

    Raises
    ------
    ConfigError
        If no analysis has this name (the message lists those there are), or it takes several runs.
    """
    description = ANALYSES[analysis]
    if description.of_several_runs:
        raise ConfigError(f"{analysis}: takes several runs; '{description.command()}' compares them")
    if description.measure is None:
        return importlib.import_module(f"analyses.{analysis}.command").COMMAND
    own_measure = description.measure
    return Command(analysis=description, measure=lambda run, networks, args: own_measure(run, networks))


def load_table(run: AnyRun, name: str) -> pd.DataFrame:
    """Return a table that an analysis has saved in a run.

    Parameters
    ----------
    run : Run, RunDir or path
        The run.
    name : str
        Name of the table, as "fourier_neurons"; `measure` makes it if it is missing.

    Raises
    ------
    ConfigError
        If no analysis has a table of this name; the message lists those there are.
    RunError
        If the table is missing, damaged, or was made by another schema or other code.
    """
    from training.inspection.run import open_run

    tables = {table.name: table for analysis in ANALYSES.values() for table in analysis}
    if name not in tables:
        raise ConfigError(f"name: expected one of {names(tables)}, got {name!r}")
    return storage.load_table(open_run(run).files.analysis(name, ".parquet"), tables[name])


def list_analyses() -> pd.DataFrame:
    """Return the analyses: name, question, networks that each takes, and cost."""
    import pandas as pd

    rows = [[getattr(analysis, field) for field in FIELDS] for analysis in ANALYSES.values()]
    return pd.DataFrame(rows, columns=list(FIELDS)).set_index("name")


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep linear algebra to one thread, here and in started processes.

    The numbers are then those of the command, on any number of cores.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
