"""Commands `python -m figures make`, `draw`, `list` and `costs`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures.catalogue.registry import FIGURES
from training.cli.executor_option import EXECUTOR_HELP, LOCAL
from training.cli.machine import available_cores
from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable, render

if TYPE_CHECKING:
    from figures.drawing.figure_spec import FigureSpec
    from figures.pipeline.freshness import Folder
    from figures.pipeline.plan import Plan, Task
    from training.runs.file_lock import Claims

COMMANDS = {
    "make": "train, measure and draw what is missing or stale of the catalogue's figures",
    "draw": "draw figures of the catalogue anew from their tables, without training or measuring",
    "list": "show the figures of the catalogue, what each needs and what is left to do",
    "costs": "save the measured costs of a folder's tasks as the expected costs",
}


def parser(command: str) -> argparse.ArgumentParser:
    """Return the command line of one of the commands."""
    p = Parser(prog=f"python -m figures {command}", description=f"{COMMANDS[command]}.".capitalize())
    if command in ("make", "draw"):
        p.add_argument(
            "names", nargs="*", metavar="NAME", help="figures, as 'list' names them; all by default"
        )
    p.add_argument("--runs", metavar="DIR", default="runs", help="folder of run directories")
    if command != "costs":
        p.add_argument(
            "--quick", action="store_true", help="use the recipes' quick versions, below DIR/quick"
        )
    if command == "make":
        p.add_argument("--executor", metavar="WHERE", default=LOCAL, help=EXECUTOR_HELP)
    if command == "list":
        p.add_argument("--json", action="store_true", help="print it as JSON")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, run the command that the first argument names."""
    command, *others = argv
    args = parser(command).parse_args(others)
    commands = {"make": _make, "draw": _draw, "list": _list, "costs": _costs}
    return run_command(lambda: commands[command](args), args.plugins)


def _make(args: argparse.Namespace) -> int:
    from figures.pipeline.task_runner import held

    figures, folder = _chosen(args), _folder(args)
    with held(folder.figures / "logs") as claims:
        return _do(figures, folder, claims, args.executor)


def _do(figures: Sequence[FigureSpec], folder: Folder, claims: Claims, executor: str) -> int:
    from figures.pipeline import cost_model
    from figures.pipeline.task_runner import TaskRunner
    from training.execution.scheduling.launching import executor_of

    plan = _plan(figures, folder)
    if not plan.tasks:
        print(f"nothing to do: {len(figures)} figures are in {folder.figures}")
        return 0

    def ended(task: Task, core_seconds: float) -> None:
        cost_model.record(folder, task.name, core_seconds)

    with closing(executor_of(executor, plan.n_cores, folder.runs, claims.environment)) as places:
        minutes = sum(task.core_seconds for task in plan.tasks.values()) / places.n_places / 60
        unit = "workers" if places.is_of_many_machines else "cores"
        announcement = f"{len(plan.tasks)} tasks on {places.n_places} {unit}: about {minutes:.0f} minutes"
        print(announcement, file=sys.stderr, flush=True)
        runner = TaskRunner(plan.tasks.values(), places, folder, claims, ended)
        runner.run()
    left_out = [figure.name for figure in figures if f"drawing {figure.name}" in runner.left_out]
    for figure in figures:
        if f"drawing {figure.name}" in plan.tasks and figure.name not in left_out:
            print(folder.figures / (figure.name + figure.suffixes[0]))
    if left_out:
        print(f"left out: {', '.join(left_out)}", file=sys.stderr)
    return int(bool(runner.left_out))


def _draw(args: argparse.Namespace) -> int:
    from figures.drawing.render import draw_picture
    from training.runs.run_directory import NoRunError

    folder = _folder(args)
    for figure in _chosen(args):
        tables = folder.tables(figure)
        missing = [path for path in tables.values() if not path.exists()]
        if missing and args.names:
            hint = " ".join(["python -m figures make", figure.name, *(["--quick"] if args.quick else [])])
            raise NoRunError(f"{figure.name}: no {missing[0]}; '{hint} --runs {args.runs}' makes it")
        if not missing:
            files = draw_picture(figure, tables, folder.figures / figure.name, folder.note(figure))
            print(*files, sep="\n", flush=True)
    return 0


def _list(args: argparse.Namespace) -> int:
    figures = list(_catalogue().values())
    plan = _plan(figures, _folder(args), search=False)
    rows: list[dict[str, Any]] = []
    for figure in figures:
        left = plan.tasks_of(figure)
        recipes = dict.fromkeys(recipe for recipe, _ in figure.needs)
        rows.append(
            {
                "figure": figure.name,
                "paper": figure.paper,
                "recipes": ", ".join(f"{recipe} {plan.training_state[recipe]}" for recipe in recipes),
                "state": _state(left),
                "minutes left": plan.seconds(left) / 60,
            }
        )
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        minutes = row["minutes left"]
        row["minutes left"] = "< 0.1" if 0 < minutes < 0.1 else round(minutes, 1)
    minutes = plan.seconds(list(plan.tasks.values())) / 60
    conclusion = (
        f"About {minutes:.0f} minutes left in all on {plan.n_cores} cores, by measured costs; "
        "'python -m figures make NAME…' makes some."
    )
    print(
        render([PrintedTable("Figures of the catalogue, and what is left to do for each.", rows, conclusion)])
    )
    return 0


def _state(left: Sequence[Task]) -> str:
    """Return the first thing left to do, in words."""
    if not left:
        return "drawn"
    return {"training": "to train", "drawing": "to draw"}.get(left[0].name.split()[0], "to measure")


def _costs(args: argparse.Namespace) -> int:
    from figures.pipeline.cost_model import publish

    print(publish(Path(args.runs)))
    return 0


def _catalogue() -> dict[str, FigureSpec]:
    """Return the figures that `make` draws: those of named recipes."""
    return {
        name: figure for name, figure in FIGURES.items() if figure.recipe is not None or not figure.of_one_run
    }


def _chosen(args: argparse.Namespace) -> list[FigureSpec]:
    """Return the figures that the arguments name, or all of the catalogue."""
    from training.schema.validation import ConfigError, names

    figures = _catalogue()
    if unknown := set(args.names) - figures.keys():
        raise ConfigError(f"NAME: expected some of {names(figures)}, got {names(unknown)}")
    return [figure for name, figure in figures.items() if not args.names or name in args.names]


def _folder(args: argparse.Namespace) -> Folder:
    from figures.pipeline.freshness import Folder
    from training.schema.validation import ConfigError

    if Path(args.runs).exists() and not Path(args.runs).is_dir():
        raise ConfigError(f"--runs: expected a folder, and {args.runs} is a file")
    return Folder(Path(args.runs), args.quick)


def _plan(figures: Sequence[FigureSpec], folder: Folder, search: bool = True) -> Plan:
    from figures.pipeline.plan import Plan

    cores = available_cores()
    return Plan(figures, folder, cores, search)
