"""`python -m figures [NAME…] --run DIR`: draw a run's figures from saved tables.

`python -m figures make` and the other commands of the catalogue are in `figures.pipeline`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.catalogue.registry import FIGURES
from figures.pipeline.command import COMMANDS
from figures.pipeline.command import main as run_catalogue_command
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from figures.drawing.figure_spec import FigureSpec, TableKey
    from training.runs.run_directory import RunDir


OPTION = "option_"
"""Begin of the names under which the arguments hold options of figures."""


def parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the command line.

    Parameters
    ----------
    argv : sequence of str
        Arguments whose figures' options the help shows; without a figure, it shows all options.
    """
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
        "--of",
        metavar="ANALYSIS",
        help="draw the figures that read the tables of this analysis, or those of NAME, if there are any",
    )
    p.add_argument("--run", metavar="DIR", help="run directory; every run below --runs by default")
    p.add_argument("--runs", metavar="DIR", default="runs", help="folder of run directories")
    named = [name for name in argv if name in FIGURES]
    _add_options(p, [FIGURES[name] for name in named or FIGURES])
    return p


def _add_options(p: argparse.ArgumentParser, explained: Sequence[FigureSpec]) -> None:
    """Add the options of all figures; the help has those of some."""
    group = p.add_argument_group("options of figures", "A picture drawn with them has a file of its own.")
    for name in dict.fromkeys(option.name for figure in FIGURES.values() for option in figure.options):
        helps: dict[str, list[str]] = {}
        for figure in explained:
            for option in figure.options:
                if option.name == name:
                    helps.setdefault(option.help(), []).append(figure.name)
        words = "; ".join(f"{', '.join(figures)}: {text}" for text, figures in helps.items())
        group.add_argument(f"--{name}", dest=OPTION + name, metavar="VALUE", help=words or argparse.SUPPRESS)


def main(argv: list[str] | None = None) -> int:
    """Parse, draw, name the files."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return run_catalogue_command(argv)
    plugins = Parser(add_help=False).parse_known_args(argv)[0].plugins
    if plugins:  # their figures have options too
        return run_command(lambda: _draw_all(parser(argv).parse_args(argv)), plugins)
    args = parser(argv).parse_args(argv)
    return run_command(lambda: _draw_all(args))


def _draw_all(args: argparse.Namespace) -> int:
    from training.runs.run_directory import NoRunError, RunDir

    figures = _chosen(args)
    if args.of is not None and not figures:
        print(f"no figure reads the tables of {args.of}", file=sys.stderr)
        return 0
    options = _options(args, figures)
    n_drawn = 0
    for run in map(RunDir, _run_folders(args)):
        for figure in figures:
            missing = [name for name in figure.analyses if not run.analysis(name, ".parquet").exists()]
            if not missing:
                n_drawn += 1
                print(*_draw(figure, _table_paths(figure, run), run, options[figure.name]), sep="\n")
            elif args.names or args.of is not None:
                hint = f"'python -m analyses {missing[0]} --run {run.path}' makes them"
                if args.of is None:
                    raise NoRunError(f"{figure.name}: no tables of {missing[0]} in {run.path}; {hint}")
                print(
                    f"{figure.name}: not drawn: no tables of {missing[0]} in {run.path}; {hint}",
                    file=sys.stderr,
                )
    if not n_drawn and args.of is None:
        where = args.run if args.run is not None else args.runs
        hint = f"python -m analyses.fourier --run {args.run or Path(args.runs) / 'modadd_fast'}"
        raise NoRunError(f"no analysed run in {where}: '{hint}' makes tables, and draws them")
    return 0


def _chosen(args: argparse.Namespace) -> list[FigureSpec]:
    """Return the figures to draw.

    With `--of`, a name that no figure has is passed over: an analysis need not have a figure.
    """
    from training.schema.validation import ConfigError, names

    of_one_run = {name: figure for name, figure in FIGURES.items() if figure.of_one_run}
    unknown = set(args.names) - of_one_run.keys()
    if unknown and args.of is None:
        raise ConfigError(f"NAME: expected some of {names(of_one_run)}, got {names(unknown)}")
    if args.names:
        return [of_one_run[name] for name in args.names if name in of_one_run]
    if args.of is not None:
        return [figure for figure in of_one_run.values() if args.of in figure.analyses]
    return [figure for figure in of_one_run.values() if figure.after_analysis]


def _run_folders(args: argparse.Namespace) -> list[Path]:
    """Return the folder of `--run`, or of every run with tables."""
    from training.runs.run_directory import NoRunError

    if args.run is None:
        return sorted(path.parent for path in Path(args.runs).glob("*/analyses"))
    if not Path(args.run).is_dir():
        raise NoRunError(f"--run: expected a run directory, and {args.run} does not exist")
    return [Path(args.run)]


def _options(args: argparse.Namespace, figures: Sequence[FigureSpec]) -> dict[str, dict[str, Any]]:
    """Return the checked values of each figure's options, by the figure's name.

    Raises
    ------
    ConfigError
        If no figure that is drawn has a given option, or a value does not fit.
    """
    from figures.drawing.figure_option import option_values
    from training.schema.validation import ConfigError, names

    given = {
        name.removeprefix(OPTION): value
        for name, value in vars(args).items()
        if name.startswith(OPTION) and value is not None
    }
    taken = {figure.name: {option.name for option in figure.options} for figure in figures}
    for name in given:
        if not any(name in options for options in taken.values()):
            takers = names(f.name for f in FIGURES.values() if name in {o.name for o in f.options})
            drawn = names(taken) if args.names or args.of else "every figure of a run"
            raise ConfigError(
                f"--{name}: expected with one of {takers}, got {drawn}; leave it out, or name one"
            )
    return {
        figure.name: option_values(
            figure.options, {n: v for n, v in given.items() if n in taken[figure.name]}
        )
        for figure in figures
    }


def _table_paths(figure: FigureSpec, run: RunDir) -> dict[TableKey, Path]:
    """Return where a run has each of a figure's tables."""
    from analyses.tables.schema import Table

    return {key: run.analysis(key.name, ".parquet") for key in figure.tables if isinstance(key, Table)}


def _draw(
    figure: FigureSpec, tables: dict[TableKey, Path], run: RunDir, options: Mapping[str, Any]
) -> list[Path]:
    from analyses.tables.output_folder import run_of_tables
    from figures.drawing.render import draw_picture
    from training.runs.run_directory import RunDir

    note = (RunDir(run_of_tables(run.path)).config() or {}).get("note", "")
    target = run.figure(figure.file_name(options), "")
    return draw_picture(figure, tables, target, note, options=options)


if __name__ == "__main__":
    os.environ["MPLBACKEND"] = "Agg"  # this process shows no window; a notebook's variable is inherited
    sys.exit(main())
