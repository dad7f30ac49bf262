"""`python -m figures make`, `draw`, `list` and `costs`: the figures of the catalogue."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from figures.catalogue.figure_spec import Entry
from figures.catalogue.registry import ENTRIES
from training.cli.machine import available_cores
from training.cli.parser import Parser, format_table, run_command

if TYPE_CHECKING:
    from figures.pipeline.freshness import Folder
    from figures.pipeline.plan import Plan, Task
    from training.runs.file_lock import Claims

COMMANDS = {
    "make": "train, measure and draw what the figures of the catalogue lack",
    "draw": "draw figures of the catalogue anew from their tables, and train and measure nothing",
    "list": "show the figures of the catalogue, what each needs and what is left to do",
    "costs": "keep what the tasks of a folder have cost as what they are expected to cost",
}


def parser(command: str) -> argparse.ArgumentParser:
    """The command line of one of the commands."""
    p = Parser(prog=f"python -m figures {command}", description=f"{COMMANDS[command]}.".capitalize())
    if command in ("make", "draw"):
        p.add_argument(
            "names", nargs="*", metavar="NAME", help="figures, as 'list' names them; all by default"
        )
    p.add_argument("--runs", metavar="DIR", default="runs", help="folder of run directories")
    if command != "costs":
        p.add_argument("--quick", action="store_true", help="of the recipes' quick versions, below DIR/quick")
    if command == "list":
        p.add_argument("--json", action="store_true", help="print it as JSON")
    return p


def main(argv: Sequence[str]) -> int:
    """Parse, and do what the first argument says."""
    command, *others = argv
    args = parser(command).parse_args(others)
    return run_command(lambda: {"make": _make, "draw": _draw, "list": _list, "costs": _costs}[command](args))


def _make(args: argparse.Namespace) -> int:
    from figures.pipeline.executor import held

    entries, folder = _entries(args), _folder(args)
    with held(folder.figures / "logs") as claims:
        return _do(entries, folder, claims)


def _do(entries: Sequence[Entry], folder: Folder, claims: Claims) -> int:
    from figures.pipeline import cost_model as costs
    from figures.pipeline.executor import Work

    plan = _plan(entries, folder)
    if not plan.tasks:
        print(f"nothing to do: {len(entries)} figures are in {folder.figures}")
        return 0

    def ended(task: Task, core_seconds: float) -> None:
        of = task.name.removeprefix("training ")
        costs.record(folder, task.name, costs.training_cost(folder, of) if of != task.name else core_seconds)

    minutes = plan.seconds(list(plan.tasks.values())) / 60
    words = f"{len(plan.tasks)} tasks on {plan.cores} cores: some {minutes:.0f} minutes, as last timed"
    print(words, file=sys.stderr, flush=True)
    work = Work(plan.tasks.values(), plan.cores, folder.figures / "logs", ended)
    work.do(claims)
    left_out = [entry.name for entry in entries if f"drawing {entry.name}" in work.undone]
    for entry in entries:
        if f"drawing {entry.name}" in plan.tasks and entry.name not in left_out:
            print(folder.figures / (entry.name + entry.suffixes[0]))
    if left_out:
        print(f"left out: {', '.join(left_out)}", file=sys.stderr)
    return int(bool(work.undone))


def _draw(args: argparse.Namespace) -> int:
    from figures.drawing.render import draw_picture
    from training.runs.run_directory import NoRunError

    folder = _folder(args)
    for entry in _entries(args):
        tables = folder.tables(entry)
        missing = [path for path in tables.values() if not path.exists()]
        if missing and args.names:
            hint = " ".join(["python -m figures make", entry.name, *(["--quick"] if args.quick else [])])
            raise NoRunError(f"{entry.name}: no {missing[0]}; '{hint} --runs {args.runs}' makes it")
        if not missing:
            files = draw_picture(entry.script, tables, folder.figures / entry.name, folder.note(entry))
            print(*files, sep="\n", flush=True)
    return 0


def _list(args: argparse.Namespace) -> int:
    entries = list(ENTRIES.values())
    plan = _plan(entries, _folder(args), search=False)
    rows = []
    for entry in entries:
        left = plan.left(entry)
        recipes = dict.fromkeys(recipe for recipe, _ in entry.needs)
        rows.append(
            {
                "figure": entry.name,
                "paper": entry.paper,
                "recipes": ", ".join(f"{recipe} {plan.standing[recipe]}" for recipe in recipes),
                "state": _state(left),
                "minutes left": round(plan.seconds(left) / 60, 1),
            }
        )
    print(json.dumps(rows, indent=2) if args.json else format_table(rows))
    minutes = plan.seconds(list(plan.tasks.values())) / 60
    print(f"{minutes:.0f} minutes left in all on {plan.cores} cores, as last timed", file=sys.stderr)
    return 0


def _state(left: Sequence[Task]) -> str:
    """What has to be done first."""
    if not left:
        return "drawn"
    return {"training": "to train", "drawing": "to draw"}.get(left[0].name.split()[0], "to measure")


def _costs(args: argparse.Namespace) -> int:
    from figures.pipeline.cost_model import publish

    print(publish(Path(args.runs)))
    return 0


def _entries(args: argparse.Namespace) -> list[Entry]:
    from training.schema.validation import ConfigError, names

    if unknown := set(args.names) - ENTRIES.keys():
        raise ConfigError(f"NAME: expected some of {names(ENTRIES)}, got {names(unknown)}")
    return [entry for name, entry in ENTRIES.items() if not args.names or name in args.names]


def _folder(args: argparse.Namespace) -> Folder:
    from figures.pipeline.freshness import Folder
    from training.schema.validation import ConfigError

    if Path(args.runs).exists() and not Path(args.runs).is_dir():
        raise ConfigError(f"--runs: expected a folder, and {args.runs} is a file")
    return Folder(Path(args.runs), args.quick)


def _plan(entries: Sequence[Entry], folder: Folder, search: bool = True) -> Plan:
    from figures.pipeline.plan import Plan

    cores = available_cores()
    return Plan(entries, folder, cores, search)
