"""`python -m figures [NAME…] --run DIR`: draw a run's figures from saved tables.

`python -m figures make` and the other commands of the catalogue are in `figures.pipeline`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from figures.catalogue.registry import FIGURES
from figures.pipeline.command import COMMANDS
from figures.pipeline.command import main as run_catalogue_command
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from figures.drawing.figure_spec import FigureSpec, TableKey
    from training.runs.run_directory import RunDir


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    p = Parser(
        prog="python -m figures",
        description="Draw figures of a run from the tables that the analyses saved there.",
        epilog="Figures: "
        + "; ".join(f"{figure.name} ({figure.shows})" for figure in FIGURES.values() if figure.after_analysis)
        + ". The figures of the papers: "
        + "; ".join(f"'python -m figures {name}' to {does}" for name, does in COMMANDS.items())
        + ".",
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="figures to draw; all whose tables exist by default"
    )
    p.add_argument(
        "--of", metavar="ANALYSIS", help="draw the figures that read the tables of this analysis, if any"
    )
    p.add_argument("--run", metavar="DIR", help="run directory; every run below --runs by default")
    p.add_argument("--runs", metavar="DIR", default="runs", help="folder of run directories")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, draw, name the files."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return run_catalogue_command(argv)
    args = parser().parse_args(argv)
    return run_command(lambda: _draw_all(args), args.plugins)


def _draw_all(args: argparse.Namespace) -> int:
    from training.runs.run_directory import NoRunError, RunDir
    from training.schema.validation import ConfigError, names

    of_one_run = {name: figure for name, figure in FIGURES.items() if figure.of_one_run}
    if unknown := set(args.names) - of_one_run.keys():
        raise ConfigError(f"NAME: expected some of {names(of_one_run)}, got {names(unknown)}")
    if args.run is not None and not Path(args.run).is_dir():
        raise NoRunError(f"--run: expected a run directory, and {args.run} does not exist")
    runs = (
        [Path(args.run)]
        if args.run is not None
        else sorted(path.parent for path in Path(args.runs).glob("*/analyses"))
    )
    figures = [of_one_run[name] for name in args.names]
    if args.of is not None:
        figures += [figure for figure in of_one_run.values() if args.of in figure.analyses]
        if not figures:
            print(f"no figure reads the tables of {args.of}", file=sys.stderr)
            return 0
    figures = figures or [figure for figure in of_one_run.values() if figure.after_analysis]
    n_drawn = 0
    for run in map(RunDir, runs):
        for figure in figures:
            if all(run.analysis(analysis, ".parquet").exists() for analysis in figure.analyses):
                n_drawn += 1
                print(*_draw(figure, _table_paths(figure, run), run), sep="\n")
            elif args.names:
                hint = f"python -m analyses {figure.analyses[0]} --run {run.path}"
                raise NoRunError(f"{figure.name}: no tables in {run.path}; '{hint}' makes them")
    if not n_drawn:
        where = args.run if args.run is not None else args.runs
        hint = f"python -m analyses.fourier --run {args.run or Path(args.runs) / 'modadd_fast'}"
        raise NoRunError(f"no analysed run in {where}: '{hint}' makes tables, and draws them")
    return 0


def _table_paths(figure: FigureSpec, run: RunDir) -> dict[TableKey, Path]:
    """Return where a run has each of a figure's tables."""
    from analyses.tables.schema import Table

    return {key: run.analysis(key.name, ".parquet") for key in figure.tables if isinstance(key, Table)}


def _draw(figure: FigureSpec, tables: dict[TableKey, Path], run: RunDir) -> list[Path]:
    from figures.drawing.render import draw_picture

    note = (run.config() or {}).get("note", "")
    return draw_picture(figure, tables, run.figure(figure.name, ""), note)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"  # this process shows no window; a notebook's variable is inherited
    sys.exit(main())
