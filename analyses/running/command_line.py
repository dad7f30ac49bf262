"""Command line of all analyses: a run in; tables, summary, figures out."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from analyses.running.result import Result
from analyses.running.saving import Measured, plain, save_result
from analyses.tables.explanation import explain
from analyses.tables.schema import Analysis
from training.cli.parser import Parser
from training.cli.printed_table import render
from training.schema.plugins import plugin_arguments

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir


THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables of the environment that set the number of threads of linear algebra."""


class ExplainAction(argparse.Action):
    """Print the analysis' tables and columns in words, and end."""

    def __init__(self, option_strings: Sequence[str], dest: str, analysis: Analysis, **options: Any):
        super().__init__(option_strings, dest, nargs=0, default=False, **options)
        self.analysis = analysis

    def __call__(self, parser: argparse.ArgumentParser, *arguments: Any) -> None:
        """Print and end with exit code 0."""
        print(explain(self.analysis))
        parser.exit()


def parser(
    analysis: Analysis, *, run_required: bool = True, steps: bool = True, kind: type[Parser] = Parser
) -> argparse.ArgumentParser:
    """Return a parser with the arguments that all analyses share."""
    p = kind(
        prog=analysis.program,
        description=f"{analysis.answers} Takes {analysis.takes}.",
    )
    p.add_argument("--run", metavar="DIR", required=run_required, help="run directory")
    p.add_argument("--arms", nargs="+", metavar="ARM", help="only these arms; all by default")
    if steps:
        p.add_argument(
            "--steps", nargs="+", type=int, metavar="STEP", help="only these checkpoints; all by default"
        )
    p.add_argument("--out", metavar="DIR", help="where tables and figures go; the run directory by default")
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
    for name in THREAD_VARIABLES:
        os.environ.setdefault(name, "1")


def publish(
    analysis: Analysis,
    args: argparse.Namespace,
    result: Result,
    target: RunDir,
    drawn: Sequence[str],
    measured: Measured,
) -> int:
    """Write a result to `target`, print it, have its figures drawn; return the exit code.

    Parameters
    ----------
    drawn : sequence of str
        Arguments of `python -m figures` that name the figures.
    """
    save_result(analysis, result, target, measured)
    print_result(args, result)
    print(f"tables: {target.analysis(analysis.name, '')}*", file=sys.stderr)
    return _draw(drawn, target) if args.plot else 0


def print_result(args: argparse.Namespace, result: Result) -> None:
    """Print the summary as JSON with `--json`, else as tables for people."""
    text = json.dumps(plain(result.summary), indent=2) if args.json else render(result.printed, args.verbose)
    print(text, flush=True)


def _draw(arguments: Sequence[str], target: RunDir) -> int:
    """Draw figures in a process of their own, and return its exit code.

    Figures thus depend on nothing but what is on disk.
    """
    command = [sys.executable, "-m", "figures", *arguments, "--run", str(target.path), *plugin_arguments()]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode
