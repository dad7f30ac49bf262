"""The shape of every analysis command: a run in; tables, a summary and a figure out."""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    import pandas as pd

    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir


class Result:
    """What an analysis found.

    Parameters
    ----------
    tables : dict
        By suffix of the file name: "" is the main table (also written as CSV), "_neurons" another.
    summary : dict
        The few numbers that are written as JSON, and printed with --json.
    shown : str
        The summary for people, at most 100 columns wide.
    """

    def __init__(self, tables: dict[str, pd.DataFrame], summary: dict[str, Any], shown: str):
        self.tables, self.summary, self.shown = tables, summary, shown


Measure = Callable[["RunDir", "list[Network]"], Result]


def parser(
    name: str, description: str, *, run_required: bool = True, steps: bool = True
) -> argparse.ArgumentParser:
    """The arguments that all analyses share."""
    p = Parser(
        prog=f"python -m analyses.{name}",
        description=description,
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
    return p


def whole_number_from(least: int) -> Callable[[str], int]:
    """A type of argument: a whole number, at least `least`."""

    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return int(text)

    return convert


def number_above(least: float) -> Callable[[str], float]:
    """A type of argument: a finite number above `least`."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not (number > least and math.isfinite(number)):
            raise argparse.ArgumentTypeError(f"expected a number above {least:g}, got {text!r}")
        return number

    return convert


def one_thread() -> None:
    """Keep linear algebra to one thread, unless the user chose: these matrices are too small for two.

    Only what numpy reads when it is first imported; the same numbers then come from any number of cores.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def analyse(name: str, args: argparse.Namespace, measure: Measure, figures: Sequence[str] = ()) -> int:
    """Open the run, measure its networks, write and print what came of it, and have the figures drawn."""
    one_thread()
    return run_command(lambda: analyse_run(name, args, measure, args.run, figures))


def analyse_run(
    name: str, args: argparse.Namespace, measure: Measure, path: str, figures: Sequence[str] = ()
) -> int:
    """The same for the run at `path`, with errors raised; `figures` are drawn, or the one of that name."""
    from analyses.loading.trained_network import open_networks
    from training.runs.run_directory import RunDir

    run, networks = open_networks(path, args.arms, getattr(args, "steps", None))
    result = measure(run, networks)
    return publish(name, args, result, run if args.out is None else RunDir(args.out), figures)


def publish(
    name: str, args: argparse.Namespace, result: Result, target: RunDir, figures: Sequence[str] = ()
) -> int:
    """Write what was found to `target`, print it, and have the figures drawn."""
    from training.runs.atomic_files import write_json, write_table

    for suffix, table in result.tables.items():
        write_table(target.analysis(name + suffix, ".parquet"), table)
    write_table(target.analysis(name, ".csv"), result.tables[""])
    summary = _plain(result.summary)
    write_json(target.analysis(name, ".json"), summary)
    print(json.dumps(summary, indent=2) if args.json else result.shown, flush=True)
    print(f"tables: {target.analysis(name, '')}*", file=sys.stderr)
    return _draw(figures or (name,), target) if args.plot else 0


def _plain(content: Any) -> Any:
    """Plain JSON types: JSON has no NaN, so what is undefined becomes null."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if hasattr(content, "item"):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _draw(names: Sequence[str], target: RunDir) -> int:
    """Draw from the saved tables in a process of its own: figures never see more than what is on disk."""
    command = [sys.executable, "-m", "figures", *names, "--run", str(target.path)]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode
