"""`python -m training RECIPE`: train every arm of a recipe, or go on where an earlier run stopped."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from training.cli.machine import available_cores
from training.cli.parser import Parser, format_table, run_command

if TYPE_CHECKING:
    from training.execution.experiment import Experiment


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = Parser(
        prog="python -m training",
        description="Train every arm of a recipe: dense networks, their grokked tickets, and the controls.",
        epilog="'python -m training list' shows the recipes.",
    )
    p.add_argument("recipe", nargs="?", metavar="RECIPE", help="a recipe's name, a TOML file, or 'list'")
    p.add_argument(
        "--all-of",
        metavar="COLLECTION",
        help="in place of RECIPE: every recipe of a paper, as 'list' names it, one after the other",
    )
    p.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="change a field, as in pruning.sparsity=0.7 or name=my_run; may be repeated",
    )
    p.add_argument(
        "--quick",
        action="store_true",
        help="its version of minutes: one seed, fewer steps, and a note that says so",
    )
    p.add_argument("--seeds", type=int, nargs="+", metavar="SEED", help="these in place of the recipe's")
    p.add_argument("--device", type=_device, default="auto", help="auto, cpu, cuda, cuda:N or mps")
    p.add_argument("--jobs", type=_positive, default=None, metavar="N", help="worker processes; one per core")
    p.add_argument(
        "--shard", type=_shard, default=None, metavar="I/N", help="train the I-th of N shares of seeds"
    )
    p.add_argument(
        "--out",
        metavar="DIR",
        help="folder that holds the run directories (default: runs; quick: runs/quick)",
    )
    again = p.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="keep what is done, go on with the rest (always so without --force)",
    )
    again.add_argument("--force", action="store_true", help="delete these arms first and train them anew")
    p.add_argument("--dry-run", action="store_true", help="show what would be trained, and train nothing")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, train, print the outcome."""
    p = parser()
    args = p.parse_args(argv)
    if (args.recipe is None) == (args.all_of is None):
        p.error("expected RECIPE or --all-of COLLECTION, and not both")
    if args.all_of is not None:
        return run_command(lambda: _train_all(args))
    return run_command(lambda: _list(args) if args.recipe == "list" else _train(args))


def _list(args: argparse.Namespace) -> int:
    from training.config.recipe_files import read_recipe, recipe_names

    rows: list[dict[str, Any]] = []
    for name in recipe_names():
        recipe, _ = read_recipe(name)
        rows.append(
            {
                "recipe": name,
                "collection": recipe.collection,
                "seeds": len(recipe.seeds),
                "arms": ", ".join(recipe.arms) if args.json else len(recipe.arms),
                "about": recipe.about,
            }
        )
    print(json.dumps(rows, indent=2) if args.json else format_table(rows))
    return 0


def _experiment(name: str, args: argparse.Namespace) -> Experiment:
    from training.config.recipe_files import read_recipe
    from training.execution.experiment import Experiment

    overrides = list(args.overrides)
    if args.seeds is not None:
        overrides.append(f"seeds={args.seeds}")
    recipe, text = read_recipe(name, overrides, quick=args.quick)
    default = "runs/quick" if args.quick else "runs"
    return Experiment(recipe, text, out=default if args.out is None else args.out, shard=args.shard or (1, 1))


def _train(args: argparse.Namespace) -> int:
    experiment = _experiment(args.recipe, args)
    if args.dry_run:
        rows = experiment.plan(force=args.force)
        print(json.dumps(rows, indent=2) if args.json else format_table(rows))
        return 0
    rows = experiment.train(device=args.device, workers=args.jobs or available_cores(), force=args.force)
    if args.json:
        print(json.dumps({"run": str(experiment.run.path), "arms": rows}, indent=2))
    else:
        print(experiment.run.path)
        print(format_table([_brief(row) for row in rows]))
        for row in rows:
            if row["note"]:
                print(f"{row['arm']} seed {row['seed']}: {row['note']}")
    return 0


def _train_all(args: argparse.Namespace) -> int:
    """Train every recipe of a collection; one that fails does not keep the others from it."""
    from collections import Counter

    from training.config.recipe_files import recipe_names
    from training.runs.atomic_files import RunError

    experiments = [_experiment(name, args) for name in recipe_names(args.all_of)]
    rows: list[dict[str, Any]] = []
    for experiment in experiments:
        row: dict[str, Any] = {"recipe": experiment.recipe.name}
        rows.append(row)
        begun = time.monotonic()
        try:
            if args.dry_run:
                row |= Counter(job["todo"] for job in experiment.plan(force=args.force))
                continue
            print(f"{experiment.recipe.name}: {experiment.recipe.about}", file=sys.stderr)
            outcomes = experiment.train(
                device=args.device, workers=args.jobs or available_cores(), force=args.force
            )
        except RunError as error:
            print(f"{experiment.recipe.name}: {error}", file=sys.stderr)
            row |= {"failed": str(error)}
            continue
        row |= Counter(outcome["status"] for outcome in outcomes)
        row["generalised"] = sum(outcome["t_gen"] is not None for outcome in outcomes)
        row["seconds"] = round(time.monotonic() - begun)
        row["seconds in all"] = round(experiment.run.seconds())
    columns = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name, 0) for name in columns} for row in rows]
    print(json.dumps(rows, indent=2) if args.json else format_table(rows))
    return int(any(row.get("failed") for row in rows))


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of an outcome that fit a terminal; the times as intervals between evaluations."""
    brief = {name: row[name] for name in ("arm", "seed", "status", "sparsity", "steps")}
    times = {"t_mem": row["t_mem_interval"], "t_gen": row["t_gen_interval"]}
    return brief | times | {"tau": row["tau"], "test_acc": row["test_acc"]}


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"expected auto, cpu, cuda, cuda:N or mps, got {text!r}")
    return text


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"expected I/N with 1 <= I <= N, got {text!r}")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
