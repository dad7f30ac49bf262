"""Command line of all analyses: a run in; tables, summary, figures out."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from analyses.loading.step_ranges import Step, step_or_range
from analyses.tables.explanation import explain
from analyses.tables.labels import of_chosen_checkpoints
from analyses.tables.schema import Analysis, Table
from training.cli.parser import Parser
from training.cli.printed_table import PrintedTable, render
from training.cli.spawned_process import run_on_stderr
from training.schema.plugins import plugin_arguments
from training.schema.seed_ranges import seed_range
from training.schema.validation import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from analyses.tables.inputs import Inputs
    from analyses.tables.storage import Settings
    from training.runs.run_directory import RunDir


THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables of the number of threads."""


class Result:
    """Output of an analysis.

    Parameters
    ----------
    tables : mapping
        Rows by schema, of every table of the analysis.
    summary : dict
        Numbers that are written as JSON, and printed with `--json`.
    printed : sequence of PrintedTable
        Summary for people.
    """

    def __init__(
        self, tables: Mapping[Table, pd.DataFrame], summary: dict[str, Any], printed: Sequence[PrintedTable]
    ):
        self.tables, self.summary, self.printed = tables, summary, printed

    def of_chosen_checkpoints(self) -> Result:
        """Return a copy whose text says nothing of the last checkpoint: some were chosen."""
        printed = [
            replace(
                table,
                title=of_chosen_checkpoints(table.title),
                conclusion=of_chosen_checkpoints(table.conclusion),
            )
            for table in self.printed
        ]
        return Result(self.tables, self.summary, printed)

    def with_networks(
        self, n: int, left_out: Sequence[Mapping[str, Any]], trained_by: str, printed: Sequence[PrintedTable]
    ) -> Result:
        """Return a copy that names its number of networks, those left out, and what trained them."""
        networks = {"n_networks": n, "left_out": list(left_out), "trained_by": trained_by}
        summary = {**self.summary, **networks}
        return Result(self.tables, summary, [*self.printed, *printed])


class ExplainAction(argparse.Action):
    """Print the analysis' tables and columns in words, and end."""

    def __init__(self, option_strings: Sequence[str], dest: str, analysis: Analysis, **options: Any):
        super().__init__(option_strings, dest, nargs=0, default=False, **options)
        self.analysis = analysis

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> None:
        """Print and end with exit code 0."""
        print(explain(self.analysis))
        parser.exit()


class SeedsAction(argparse.Action):
    """Store seeds, ranges of seeds expanded."""

    def __call__(self, p: argparse.ArgumentParser, args: argparse.Namespace, values: Any, *_: Any) -> None:
        """Set the seeds, or end with an error that names the option."""
        try:
            seeds = [seed for text in values for seed in seed_range(text)]
        except ConfigError as error:
            p.error(f"argument --seeds: {str(error).removeprefix('seeds: ')}")
        setattr(args, self.dest, list(dict.fromkeys(seeds)))


def parser(
    analysis: Analysis, *, run_required: bool = True, steps: bool = True, kind: type[Parser] = Parser
) -> Parser:
    """Return a parser with the arguments that all analyses share."""
    p = kind(
        prog=analysis.program,
        description=f"{analysis.answers} Takes {analysis.takes}.",
    )
    if analysis.of_several_runs:
        p.add_argument("--runs", metavar="DIR", nargs="+", required=True, help="run directories")
    else:
        p.add_argument("--run", metavar="DIR", required=run_required, help="run directory")
    p.add_argument("--arms", nargs="+", metavar="ARM", help="only these arms; all by default")
    p.add_argument(
        "--seeds",
        nargs="+",
        action=SeedsAction,
        metavar="SEED",
        help="only these seeds: numbers, and ranges without their end, as 0 3 10:20; all by default",
    )
    if steps:
        p.add_argument(
            "--steps",
            nargs="+",
            type=_step,
            metavar="STEP",
            help="only these checkpoints: steps, and ranges START:STOP:STEP without STOP, as 0 :5000 1000: "
            "0:5000:100; all by default",
        )
    out = "compare beside the first run" if analysis.of_several_runs else "the run directory"
    p.add_argument("--out", metavar="DIR", help=f"where tables and figures go; {out} by default")
    p.add_argument("--json", action="store_true", help="print the summary as JSON")
    p.add_argument("--plot", action=argparse.BooleanOptionalAction, default=True, help="draw the figure")
    p.add_argument("--verbose", action="store_true", help="print all columns and tables of the summary")
    p.add_argument(
        "--explain", action=ExplainAction, analysis=analysis, help="print what each table and column means"
    )
    return p


def _step(text: str) -> Step:
    """Return a step, or the text of a range of steps."""
    try:
        return step_or_range(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def whole_number_from(least: int) -> Callable[[str], int]:
    """Return an argument type: a whole number, at least `least`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return int(text)

    return convert


def number_above(least: float) -> Callable[[str], float]:
    """Return an argument type: a finite number above `least`."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not (number > least and math.isfinite(number)):
            raise argparse.ArgumentTypeError(f"expected a number above {least:g}, got {text!r}")
        return number

    return convert


def use_one_thread() -> None:
    """Keep linear algebra to one thread, unless the user chose a number.

    These matrices are too small for two. NumPy reads the variables when it is first imported. One thread also
    gives the same numbers on any number of cores.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")


def publish(
    analysis: Analysis,
    args: argparse.Namespace,
    result: Result,
    target: RunDir,
    figures: Sequence[str] = (),
    **recorded: Any,
) -> int:
    """Write a result to `target`, print it, and have its figures drawn.

    Parameters
    ----------
    figures : sequence of str
        Names of the figures; by default the one that is named as the analysis, or those of a plug-in.
    recorded
        As in `save`.
    """
    save(analysis, result, target, **recorded)
    if getattr(args, "steps", None) is not None:
        result = result.of_chosen_checkpoints()
    print_result(args, result)
    print(f"tables: {target.analysis(analysis.name, '')}*", file=sys.stderr)
    default = (analysis.name,) if analysis.measure is None else ()
    return _draw(analysis, figures or default, target) if args.plot else 0


def save(
    analysis: Analysis,
    result: Result,
    target: RunDir,
    *,
    roles: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    inputs: Inputs | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> dict[Table, pd.DataFrame]:
    """Write a result's tables and summary, and return the tables as saved.

    Parameters
    ----------
    roles, settings, inputs, arguments
        As in `analyses.tables.storage.save_table`.
    """
    from analyses.tables.origin import ORIGIN, origin_of
    from analyses.tables.storage import fitted_table, save_table
    from training.runs.atomic_files import file_hash, write_json, write_table

    assert set(result.tables) == set(analysis.tables), "an analysis saves all the tables that it declares"
    main, *parts = analysis.tables
    recorded: dict[str, Any] = {
        "inputs": inputs,
        "arguments": arguments,
        "roles": roles,
        "settings": settings,
    }
    summary, csv = target.analysis(analysis.name, ".json"), target.analysis(analysis.name, ".csv")
    paths = {table: target.analysis(table.name, ".parquet") for table in analysis.tables}
    origin = asdict(origin_of(main, inputs, arguments or {}))
    write_json(summary, plain_values({**result.summary, ORIGIN: origin}))
    saved = {table: save_table(paths[table], table, result.tables[table], **recorded) for table in parts}
    write_table(csv, fitted_table(main, result.tables[main], roles or {}, settings or {}))
    written = [summary, csv, *(paths[table] for table in parts)]
    files = {path.name: file_hash(path) for path in written}
    # the main table last: it vouches for the others
    return {main: save_table(paths[main], main, result.tables[main], files=files, **recorded), **saved}


def print_result(args: argparse.Namespace, result: Result) -> None:
    """Print the summary as JSON with `--json`, else as tables for people."""
    text = (
        json.dumps(plain_values(result.summary), indent=2)
        if args.json
        else render(result.printed, args.verbose)
    )
    print(text, flush=True)


def plain_values(content: Any) -> Any:
    """Return plain JSON types; JSON has no NaN, so an undefined number becomes null."""
    if isinstance(content, dict):
        return {key: plain_values(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain_values(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _draw(analysis: Analysis, chosen: Sequence[str], target: RunDir) -> int:
    """Draw an analysis' figures in a process of their own, and return its exit code.

    Figures thus depend on nothing but what is on disk.
    """
    which = [*chosen, "--of", analysis.name, "--run", str(target.path)]
    command = [sys.executable, "-m", "figures", *which, *plugin_arguments()]
    return run_on_stderr(command)
