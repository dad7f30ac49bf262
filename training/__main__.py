"""Command `python -m training RECIPE`: train every arm of a recipe, or resume it."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from training.cli.machine import available_cores
from training.cli.parser import Parser, run_command

if TYPE_CHECKING:
    from training.execution.experiment import Experiment

WATCH_SECONDS = 5.0
"""Time between two looks of `watch`."""
VERB_MODULES = {
    "discard": "discard",
    "export": "export",
    "import": "import_archive",
    "merge": "merge",
    "verify": "verify",
}
"""Module in `training.cli.verbs` of each command with a parser of its own."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training",
        description="Train every arm of a recipe: dense networks, their grokked tickets, and the controls.",
        epilog="'python -m training list' shows the recipes, with sizes and minutes; 'list tasks', 'list "
        "models', 'list methods', 'list starts', 'list parametrizations', 'list optimizers' and 'list "
        "fields' show what a recipe and --set can name. 'python -m training watch RUN' draws the curves of a "
        "running training in the terminal; 'discard RUN' lists what --force has replaced; 'export RUN', "
        "'import ARCHIVE', 'verify RUN' and 'merge RUN RUN' hand runs on. Each has a --help.",
    )
    p.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="name of a recipe, a TOML file, the folder of a run, or a command: 'list', 'watch', 'discard', "
        "'export', 'import', 'verify' or 'merge'; a name of a recipe wins over a folder unless there is a "
        "slash, as in ./modadd_fast",
    )
    p.add_argument(
        "section",
        nargs="?",
        metavar="SECTION",
        help="after 'list': what to list (default: recipes); after 'watch': the run whose curves to draw",
    )
    p.add_argument(
        "--all-of",
        metavar="COLLECTION",
        help="in place of RECIPE: every recipe of a paper (column 'paper' of 'list'), from one queue",
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
        help="quick version, in minutes: one seed, fewer steps, and a note that says so",
    )
    p.add_argument(
        "--seeds",
        type=_seeds,
        nargs="+",
        metavar="SEED",
        help="seeds in place of the recipe's: numbers, and ranges without their end, as in 0 3 10:20 30:40:2",
    )
    p.add_argument("--device", type=_device, default="auto", help="auto, cpu, cuda, cuda:N or mps")
    p.add_argument(
        "--jobs", type=_positive, metavar="N", help="worker processes (default: one per core of this machine)"
    )
    p.add_argument("--shard", type=_shard, metavar="I/N", help="train the I-th of N shares of the seeds")
    p.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the run directories (default: runs; quick: runs/quick; of a run's folder: itself)",
    )
    again = p.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="keep what is done and resume the rest (the default)"
    )
    again.add_argument(
        "--force",
        action="store_true",
        help="train every arm anew, of the seeds of --seeds or of all; old files move to arms/.replaced, and "
        "--dry-run lists them",
    )
    again.add_argument(
        "--force-arms",
        nargs="+",
        metavar="ARM",
        help="the same for some arms, after RECIPE: modadd_fast --force-arms random shuffled --seeds 1",
    )
    p.add_argument(
        "--accept-other",
        action="store_true",
        help="take over and resume also arms that other code or another platform has trained",
    )
    p.add_argument(
        "--yes",
        action="store_true",
        help="train also more than 200 networks of a grid, or what needs more memory or disk than is free",
    )
    p.add_argument("--track", metavar="TRACKER", help="also send curves, config and figures to wandb")
    p.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be trained, the time, memory and disk it takes, and train nothing",
    )
    p.add_argument("--verbose", action="store_true", help="print all columns of the tables")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, train, print the outcomes."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] and (module := VERB_MODULES.get(arguments[0])):
        return int(importlib.import_module(f"training.cli.verbs.{module}").main(arguments[1:]))
    p = parser()
    args = p.parse_args(arguments)
    args.force = args.force or args.force_arms or False
    if (args.recipe is None) == (args.all_of is None):
        p.error("expected RECIPE or --all-of COLLECTION, and not both")
    if args.section is not None and args.recipe not in ("list", "watch"):
        p.error(f"expected one RECIPE, got {args.recipe} and {args.section}")
    if args.recipe == "watch" and args.section is None:
        p.error("watch: expected the folder of a run, as in 'python -m training watch runs/modadd_fast'")
    if args.all_of is not None:
        return run_command(lambda: _train_all(args), args.plugins)
    action = {"list": _list, "watch": _watch}.get(args.recipe, _train)
    return run_command(lambda: action(args), args.plugins, light=args.recipe == "list")


def _list(args: argparse.Namespace) -> int:
    from training.config.listing import listing, recipe_rows

    section = args.section or "recipes"
    if args.json:
        print(json.dumps(recipe_rows() if section == "recipes" else list(listing(section).rows), indent=2))
    else:
        print(listing(section).text(args.verbose))
    return 0


def _watch(args: argparse.Namespace) -> int:
    """Draw the curves of a run until it is finished."""
    from training.inspection.live_curves import watch
    from training.inspection.run import open_run

    try:
        watch(open_run(args.section), WATCH_SECONDS, repeat=sys.stdout.isatty(), verbose=args.verbose)
    except KeyboardInterrupt:
        print()  # the training goes on; only the watching ends
    return 0


def _train(args: argparse.Namespace) -> int:
    """Train a recipe, or show its plan."""
    from training.execution.plan_needs import plan_needs
    from training.execution.printed_tables import outcome_table, plan_moves, plan_reasons, plan_table

    experiment = _experiment(args.recipe, args)
    if args.dry_run:
        rows = experiment.plan(force=args.force)
        needs = plan_needs(experiment, rows, args.device, args.jobs or available_cores())
        if args.json:
            print(json.dumps(needs.rows, indent=2))
            return 0
        for line in experiment.changed_bases():
            print(line, file=sys.stderr)
        lines = [*plan_reasons(rows), *plan_moves(experiment.run.path, rows), *needs.lines()]
        print(plan_table(experiment.recipe, rows).text(args.verbose), *lines, sep="\n")
        return 0
    rows = _outcomes(experiment, args)
    if args.json:
        print(json.dumps({"run": str(experiment.run.path), "arms": rows}, indent=2))
        return 0
    print(experiment.run.path)
    print(outcome_table(experiment.recipe, rows).text(args.verbose))
    for row in rows:
        if row["note"]:
            print(f"{row['arm']} seed {row['seed']}: {row['note']}")
    return 0


def _train_all(args: argparse.Namespace) -> int:
    """Train every recipe of a collection from one queue, after a failure too."""
    from training.config.recipe_files import recipe_names
    from training.execution.printed_tables import collection_table

    experiments = [_experiment(name, args) for name in recipe_names(args.all_of)]
    failures = [None] * len(experiments) if args.dry_run else _trained(experiments, args)
    rows = [_row(*pair, args) for pair in zip(experiments, failures, strict=True)]
    columns = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name, 0) for name in columns} for row in rows]
    print(json.dumps(rows, indent=2) if args.json else collection_table(args.all_of, rows).text(args.verbose))
    return int(any(row.get("failed") for row in rows))


def _row(experiment: Experiment, failure: Exception | None, args: argparse.Namespace) -> dict[str, Any]:
    """Return a recipe's networks counted by what is to do, or by what has become of them."""
    from training.execution.plan_needs import plan_needs
    from training.inspection.outcomes import outcomes
    from training.runs.atomic_files import RunError

    row: dict[str, Any] = {"recipe": experiment.recipe.name}
    try:
        if args.dry_run:
            jobs = experiment.plan(force=args.force)
            needs = plan_needs(experiment, jobs, args.device, args.jobs or available_cores())
            return row | Counter(job["todo"] for job in jobs) | needs.cells()
        if failure is not None:
            raise failure
        rows = outcomes(experiment.run, experiment.recipe)
    except (RunError, OSError) as error:
        print(f"{experiment.recipe.name}: {error}", file=sys.stderr)
        return row | {"failed": str(error)}
    row |= Counter(outcome["status"] for outcome in rows)
    row["generalised"] = sum(outcome["t_gen"] is not None for outcome in rows)
    row["seconds in all"] = round(experiment.run.seconds())
    return row


def _experiment(name: str, args: argparse.Namespace) -> Experiment:
    """Return the experiment that the arguments describe."""
    from training.config.grid import MOST_NETWORKS
    from training.config.recipe_files import read_given_recipe
    from training.execution.experiment import Experiment

    overrides = list(args.overrides)
    if args.seeds is not None:
        overrides.append(f"seeds={[seed for seeds in args.seeds for seed in seeds]}")
    given = read_given_recipe(name, overrides, args.quick, None if args.yes else MOST_NETWORKS)
    default = "runs/quick" if args.quick else "runs"
    return Experiment(
        given.recipe,
        given.text,
        out=default if args.out is None else args.out,
        shard=args.shard or (1, 1),
        folder=given.folder if args.out is None else None,
        bases=given.bases if given.text else None,
    )


def _outcomes(experiment: Experiment, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Train what is not done, and return the outcome of every network."""
    from training.inspection.outcomes import outcomes

    (failure,) = _trained([experiment], args)
    if failure is not None:
        raise failure
    return outcomes(experiment.run, experiment.recipe)


def _trained(experiments: Sequence[Experiment], args: argparse.Namespace) -> list[Exception | None]:
    """Train what is not done, and return the failure of each recipe."""
    from training.execution.joint_training import train_together
    from training.inspection.tracking import tracked
    from training.runs.atomic_files import RunError

    workers = args.jobs or available_cores()
    if not args.yes:
        for experiment in experiments:
            with suppress(RunError):  # the training of this recipe fails with it, and the others go on
                experiment.check_need(args.device, workers, args.force)
    with ExitStack() as trackers:
        for experiment in experiments:
            trackers.enter_context(
                tracked(args.track, experiment.run, partial(getattr, experiment, "recipe"))
            )
        return train_together(experiments, args.device, workers, args.force, args.accept_other)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _seeds(text: str) -> list[int]:
    from training.schema.seed_ranges import seed_range
    from training.schema.validation import ConfigError

    try:
        return seed_range(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("seeds: ")) from None


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
