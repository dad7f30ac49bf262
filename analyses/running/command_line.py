"""Command line of all analyses: a run in; tables, summary, figures out."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.tables.explanation import explain
from analyses.tables.schema import Analysis, Table
from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable, render
from training.schema.plugins import plugin_arguments

if TYPE_CHECKING:
    import pandas as pd

    from analyses.tables.storage import Settings
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


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


Measure = Callable[["RunDir", "list[Network]"], Result]


class ExplainAction(argparse.Action):
    """Print the analysis' tables and columns in words, and end."""

    def __init__(self, option_strings: Sequence[str], dest: str, analysis: Analysis, **options: Any):
        super().__init__(option_strings, dest, nargs=0, default=False, **options)
        self.analysis = analysis

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> None:
        """Print and end with exit code 0."""
        print(explain(self.analysis))
        parser.exit()


def parser(analysis: Analysis, *, run_required: bool = True, steps: bool = True) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all analyses share."""
    p = Parser(
        prog=f"python -m analyses.{analysis.name}",
        description=f"{analysis.answers} Takes {analysis.takes}.",
    )
    if analysis.of_several_runs:
        p.add_argument("--runs", metavar="DIR", nargs="+", required=True, help="run directories")
    else:
        p.add_argument("--run", metavar="DIR", required=run_required, help="run directory")
    p.add_argument("--arms", nargs="+", metavar="ARM", help="only these arms; all by default")
    if steps:
        p.add_argument(
            "--steps", nargs="+", type=int, metavar="STEP", help="only these checkpoints; all by default"
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
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def analyse(
    analysis: Analysis,
    args: argparse.Namespace,
    measure: Measure,
    figures: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
) -> int:
    """Measure a run's networks, write and print the result, draw the figures.

    Returns the exit code.

    Parameters
    ----------
    measure : callable
        From a run and its networks to the result.
    figures : sequence of str
        Names of the figures to draw; by default the one that is named as the analysis.
    arguments : mapping, optional
        Arguments that change the tables, with their values, where they differ from their defaults; by
        default `--arms` and `--steps`, if given.
    """
    use_one_thread()
    return run_command(
        lambda: analyse_run(analysis, args, measure, args.run, figures, arguments), args.plugins
    )


def analyse_run(
    analysis: Analysis,
    args: argparse.Namespace,
    measure: Measure,
    path: str,
    figures: Sequence[str] = (),
    arguments: Mapping[str, Any] | None = None,
) -> int:
    """Do as `analyse` for the run at `path`, and let errors pass."""
    from analyses.loading.chosen_networks import open_networks
    from analyses.tables.inputs import RunInputs
    from training.config.arm_differences import differing_fields
    from training.runs.run_directory import RunDir

    run, networks = open_networks(path, args.arms, getattr(args, "steps", None))
    inputs = RunInputs(run).digest(args.arms)  # before measuring: later changes make the tables stale
    result = measure(run, networks)
    recipe = networks[0].recipe
    roles = {arm: recipe.role(arm) for arm in recipe.arms}
    chosen = {name: getattr(args, name, None) for name in ("arms", "steps")} | dict(arguments or {})
    return publish(
        analysis,
        args,
        result,
        run if args.out is None else RunDir(args.out),
        figures,
        roles=roles,
        settings=differing_fields(recipe),
        inputs=inputs,
        arguments={name: value for name, value in chosen.items() if value is not None},
    )


def publish(
    analysis: Analysis,
    args: argparse.Namespace,
    result: Result,
    target: RunDir,
    figures: Sequence[str] = (),
    *,
    roles: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    inputs: str = "",
    arguments: Mapping[str, Any] | None = None,
) -> int:
    """Write a result to `target`, print it, and have its figures drawn.

    Parameters
    ----------
    roles, settings, inputs, arguments
        As in `analyses.tables.storage.save_table`.
    """
    from analyses.tables.storage import save_table
    from training.runs.atomic_files import write_json, write_table

    assert set(result.tables) == set(analysis.tables), "an analysis saves all the tables that it declares"
    write_json(target.analysis(analysis.name, ".json"), _plain(result.summary))
    for table in reversed(analysis.tables):  # the main table last: it vouches for the summary too
        rows = save_table(
            target.analysis(table.name, ".parquet"),
            table,
            result.tables[table],
            inputs=inputs,
            arguments=arguments,
            roles=roles,
            settings=settings,
        )
    write_table(target.analysis(analysis.name, ".csv"), rows)
    print_result(args, result)
    print(f"tables: {target.analysis(analysis.name, '')}*", file=sys.stderr)
    return _draw(figures or (analysis.name,), target) if args.plot else 0


def print_result(args: argparse.Namespace, result: Result) -> None:
    """Print the summary as JSON with `--json`, else as tables for people."""
    text = json.dumps(_plain(result.summary), indent=2) if args.json else render(result.printed, args.verbose)
    print(text, flush=True)


def _plain(content: Any) -> Any:
    """Return plain JSON types; JSON has no NaN, so an undefined number becomes null."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _draw(names: Sequence[str], target: RunDir) -> int:
    """Draw figures in a process of their own, and return its exit code.

    Figures thus depend on nothing but what is on disk.
    """
    command = [sys.executable, "-m", "figures", *names, "--run", str(target.path), *plugin_arguments()]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode
