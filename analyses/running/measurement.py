"""Analyses measured, listed and read from Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from analyses.running.command import Command, command_of
from analyses.running.command_line import THREAD_VARIABLES, use_one_thread
from analyses.running.registry import ANALYSES
from analyses.running.result import Result
from analyses.running.saving import fitted_result, read_result, save_result
from training.cli.parser import Parser
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from training.inspection.run import Run
    from training.runs.run_directory import RunDir


def measure(
    run: Run | RunDir | Path | str,
    analysis: str,
    arms: Sequence[str] | str | None = None,
    steps: Sequence[int] | int | None = None,
    **options: Any,
) -> Result:
    """Return an analysis of a run; with default arguments it is saved there.

    What is saved and current, by the content of the networks and the code, is read and not measured again.
    With other arguments nothing is saved or read.

    Parameters
    ----------
    run : Run, RunDir or path
        Trained run, or its folder.
    analysis : str
        Name of the analysis, as in `list_analyses()`.
    arms : sequence of str, optional
        Only these arms; all by default.
    steps : sequence of int, optional
        Only these checkpoints; all by default.
    **options
        Options of the analysis' command, as `nulls=5` for `--nulls 5`.

    Returns
    -------
    Result
        `result.table` is the main table, `result.summary` holds its main numbers.

    Raises
    ------
    ConfigError
        If there is no such analysis, arm, step or option, or a value does not fit.
    RunError
        If the run is damaged, or has no network that the analysis takes.

    Examples
    --------
    >>> measure("runs/modadd_fast", "fourier", speed=3)
    Traceback (most recent call last):
    training.schema.validation.ConfigError: analyses.fourier: options: expected none, got speed
    """
    from analyses.tables.freshness import is_analysed
    from analyses.tables.inputs import RunInputs
    from training.inspection.run import open_run

    command = command_of(analysis)
    args = command.parse(_arguments(command, arms, steps, options), kind=_RaisingParser)
    opened = open_run(run)
    is_default = not command.changed(args)
    with suppress(RunError):  # a damaged table is made again
        inputs = RunInputs(opened.files).digest()
        if is_default and is_analysed(opened.files, inputs, analysis, command.analysis.tables):
            return read_result(command.analysis, opened.files)
    with one_thread():
        files, result, measured = command.measured(opened, args)
    fitted = fitted_result(command.analysis, result, measured)
    if is_default:
        try:
            save_result(command.analysis, result, files, measured)
        except OSError as error:
            print(f"{files.path}: result not saved: {error.strerror or error}", file=sys.stderr)
    return fitted


def list_analyses() -> pd.DataFrame:
    """Return every analysis: its question, what it takes and costs, its tables.

    Examples
    --------
    >>> list_analyses().set_index("name").loc["fourier", "answers"]
    "How periodic are each neuron's weights, and how early do they become so?"
    """
    import pandas as pd

    fields = ("name", "answers", "takes", "cost")
    return pd.DataFrame(
        {
            **{field: getattr(analysis, field) for field in fields},
            "tables": names(table.name for table in analysis),
        }
        for analysis in ANALYSES.values()
    )


def load_table(run: Run | RunDir | Path | str, table: str) -> pd.DataFrame:
    """Return a saved table of a run by its name, as "fourier_neurons".

    Raises
    ------
    ConfigError
        If no analysis has such a table.
    RunError
        If it is missing, damaged, or made by other code; the message has the command that makes it.
    """
    from analyses.tables import storage
    from training.inspection.run import open_run

    tables = {schema.name: schema for analysis in ANALYSES.values() for schema in analysis}
    if table not in tables:
        of_analysis = [name for name in tables if name.partition("_")[0] == str(table).partition("_")[0]]
        raise ConfigError(f"table: expected one of {names(of_analysis or tables)}, got {table!r}")
    return storage.load_table(open_run(run).files.analysis(table, ".parquet"), tables[table])


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep linear algebra, here and in worker processes, to one thread for a while.

    One thread gives the same numbers on any number of cores, and those of the commands.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    use_one_thread()
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


class _RaisingParser(Parser):
    """Parser whose errors are exceptions."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message.removeprefix("argument "))


def _arguments(
    command: Command, arms: Sequence[str] | str | None, steps: Sequence[int] | int | None, options: Any
) -> list[str]:
    """Return Python arguments as those of a command line, which checks them."""
    allowed = [name for name in command.options() if name not in command.without_run]
    where = f"analyses.{command.analysis.name}"
    if unknown := [name for name in options if name not in allowed]:
        expected = f"some of {names(allowed)}" if allowed else "none"
        raise ConfigError(f"{where}: options: expected {expected}, got {names(unknown)}")
    if steps is not None and not command.takes_steps:
        raise ConfigError(f"{where}: steps: expected none, since it reads all steps, got {steps}")
    given = {"arms": arms, "steps": steps, **options}
    words = ["--run", "."]  # the run itself is opened by the caller
    for name, value in given.items():
        if value is None or value is False:
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            is_many = isinstance(value, Iterable) and not isinstance(value, str)
            words += [str(each) for each in (value if is_many else [value])]
    return words
