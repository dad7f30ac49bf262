"""Command `python -m training RECIPE`: train every arm of a recipe, or resume it."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from training.cli.executor_option import LOCAL, check_jobs
from training.cli.parser import run_command
from training.cli.training_options import parser

if TYPE_CHECKING:
    from training.execution.experiment import Experiment

WATCH_SECONDS = 5.0
"""Time between two looks of `watch`."""
VERB_MODULES = {
    "discard": "discard",
    "export": "export",
    "import": "import_archive",
    "merge": "merge",
    "status": "status",
    "verify": "verify",
}
"""Module in `training.cli.verbs` of each command with a parser of its own."""


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
    from training.execution.scheduling.launching import n_workers_of

    experiment = _experiment(args.recipe, args)
    if args.dry_run:
        rows = experiment.plan(force=args.force)
        needs = plan_needs(experiment, rows, args.device, n_workers_of(args.executor, args.jobs))
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
    from training.execution.scheduling.launching import n_workers_of
    from training.inspection.outcomes import outcomes
    from training.runs.atomic_files import RunError

    row: dict[str, Any] = {"recipe": experiment.recipe.name}
    try:
        if args.dry_run:
            jobs = experiment.plan(force=args.force)
            needs = plan_needs(experiment, jobs, args.device, n_workers_of(args.executor, args.jobs))
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
    from training.execution.scheduling.launching import launch

    check_jobs(args.executor, args.jobs)
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
        launch=partial(launch, executor=args.executor),
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
    from training.execution.scheduling.launching import n_workers_of
    from training.inspection.tracking import tracked
    from training.runs.atomic_files import RunError

    workers = n_workers_of(args.executor, args.jobs)
    here = workers if args.executor == LOCAL else 0
    if not args.yes:
        for experiment in experiments:
            with suppress(RunError):  # the training of this recipe fails with it, and the others go on
                experiment.check_need(args.device, here, args.force)
    with ExitStack() as trackers:
        for experiment in experiments:
            trackers.enter_context(
                tracked(args.track, experiment.run, partial(getattr, experiment, "recipe"))
            )
        return train_together(experiments, args.device, workers, args.force, args.accept_other)


if __name__ == "__main__":
    sys.exit(main())
