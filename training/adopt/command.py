"""Command `python -m training.adopt FILE...`: other code's weights as a run.

Every analysis reads such a run. It has no provenance, which marks weights that this project did not train,
and a config of the task and of the model's sizes, read from the weights. Further arms and seeds of one config
join it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, run_command
from training.cli.printed_table import PrintedTable
from training.models.registry import MODELS

if TYPE_CHECKING:
    import numpy as np

    from training.config.recipe import Recipe
    from training.config.settings import Setting
    from training.runs.run_directory import ArmDir, RunDir

TABLES = ("task", "model", "optimizer", "measure", "pruning")
"""Tables of a recipe that --set may name."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training.adopt",
        description="Turn checkpoints that other code trained into a run directory for the analyses.",
        epilog="Weights do not say what function they belong to: a transformer is taken as causal, ReLU and"
        " without LayerNorm.",
    )
    p.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="state dicts, one or several to a file: .pt, .pth, .safetensors",
    )
    p.add_argument(
        "--model",
        required=True,
        choices=[name for name, model in MODELS.items() if model.infers_sizes],
        help="model that the weights belong to",
    )
    p.add_argument("--out", required=True, metavar="DIR", help="run directory to write, as in runs/NAME")
    p.add_argument("--p", type=int, help="number of residues, for tasks mod p")
    p.add_argument("--task", default="add", metavar="NAME", help="name of the task: an operation, or another")
    p.add_argument("--frac-train", type=float, metavar="SHARE", help="share of the pairs trained on")
    p.add_argument(
        "--set",
        metavar="FIELD=VALUE",
        dest="overrides",
        action="append",
        default=[],
        help="a further field, as in task.pairs=ordered or pruning.sparsity=0.7; may be repeated",
    )
    p.add_argument(
        "--steps",
        type=int,
        nargs="+",
        metavar="STEP",
        help="steps of the state dicts (default: those in the files, or the last numbers of their names)",
    )
    p.add_argument("--arm", default="dense", help="name of the arm")
    p.add_argument("--seed", type=int, default=0, help="seed of the arm")
    p.add_argument(
        "--metrics",
        action=argparse.BooleanOptionalAction,
        help="write losses and accuracies for the split that the task draws (default: with --frac-train)",
    )
    p.add_argument("--force", action="store_true", help="replace this arm and seed if they exist")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, read, rename, write."""
    args = parser().parse_args(argv)
    return run_command(lambda: _adopt(args), args.plugins)


def _adopt(args: argparse.Namespace) -> int:
    """Read the weights, write them as an arm, and print a summary."""
    import numpy as np

    from training.adopt.state_dicts import read_checkpoints
    from training.adopt.weight_names import renamed_weights
    from training.runs.run_directory import RunDir
    from training.schema.validation import to_dict

    given, recipe = _recipe(args)
    run = RunDir(args.out)
    files = run.arm(args.arm, args.seed)
    _check_folder(run, files, args.force)  # before the reading, which may take long, and again below
    checkpoints = read_checkpoints(args.files, args.steps)
    model, weights = renamed_weights(recipe.model, recipe.task, checkpoints)
    recipe = dataclasses.replace(recipe, model=model)
    sizes = to_dict(model)
    _check_sizes(sizes, given["model"])
    steps = np.array([checkpoint.step for checkpoint in checkpoints])
    has_metrics = "frac_train" in given["task"] if args.metrics is None else args.metrics
    metrics = evaluated(recipe.setting(args.arm), steps, weights) if has_metrics else None
    with run.locked():
        _check_folder(run, files, args.force)
        _write_config(run, recipe, given)
        with files.locked():
            files.clear()
            if metrics is not None:
                files.write_metrics(metrics)
            files.write_checkpoints(steps, weights)
    row: dict[str, Any] = {"arm": args.arm, "seed": args.seed, "checkpoints": len(steps)}
    row |= {"first": int(steps[0]), "last": int(steps[-1])}
    if metrics is not None:
        print("the split is this project's: other code's training pairs are others", file=sys.stderr)
        row |= {name: float(metrics[name][-1]) for name in ("train_acc", "test_acc")}
    if args.json:
        print(json.dumps({"run": str(run.path), "model": sizes} | row, indent=2))
    else:
        print(_printed(run, sizes, row).text())
    return 0


def _printed(run: RunDir, sizes: Mapping[str, Any], row: Mapping[str, Any]) -> PrintedTable:
    """Return the table that is printed: the arm, its checkpoints, its last accuracies."""
    names = {"first": "first step", "last": "last step"}
    names |= {"train_acc": "train accuracy", "test_acc": "test accuracy"}
    model = ", ".join(f"{name} {value}" for name, value in sizes.items() if "init" not in name)
    printed = {names.get(name, name): value for name, value in row.items()}
    return PrintedTable(f"Weights adopted as {run.path}.", [printed], f"Model: {model}.")


def _recipe(args: argparse.Namespace) -> tuple[dict[str, Any], Recipe]:
    """Return the given fields by table, and a recipe of them.

    Its model has default sizes.
    """
    from training.config.build_recipe import recipe_from_dict
    from training.schema.validation import names, override, require

    task = {"name": args.task, "p": args.p, "frac_train": args.frac_train}
    given: dict[str, Any] = {"task": {field: value for field, value in task.items() if value is not None}}
    given["model"] = {}
    for setting in args.overrides:
        override(given, setting)
    unknown = given.keys() - set(TABLES)
    require(not unknown, "--set", f"fields of {names(TABLES)}", names(unknown))
    for table in ("task", "model"):
        require(isinstance(given[table], dict), f"--set {table}", "a table of fields", given[table])
    given["model"]["name"] = args.model
    has_p = "p" in given["task"] or MODELS[args.model].reads != "tokens"
    require(has_p, "--p", f"the number of residues, for {args.model}", None)
    run = {"name": Path(args.out).resolve().name, "seeds": [args.seed], "arms": {args.arm: {}}}
    return given, recipe_from_dict(given | run)


def _check_sizes(sizes: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the model's fields that the user gave against the weights' sizes."""
    from training.schema.validation import require

    for field, value in sizes.items():
        given_value = given.get(field, value)
        expected = f"{value!r}, as the weights have it"
        require(given_value == value, f"model.{field}", expected, given_value)


def _check_folder(run: RunDir, files: ArmDir, force: bool) -> None:
    """Raise a `RunError` if the folder holds something else, or this arm already."""
    from training.runs.atomic_files import RunError

    cure = "choose another --out"
    if run.config() is None:
        if any(not path.name.startswith(".") for path in run.path.glob("*")):
            raise RunError(f"{run.path}: holds files but no config.json, so no run; {cure}")
    elif run.provenance() is not None:
        raise RunError(f"{run.path}: holds a run that this project trained; {cure}")
    if files.has_checkpoints() and not force:
        raise RunError(f"{files.path}: holds weights; --force replaces them, --arm and --seed add others")


def _write_config(run: RunDir, recipe: Recipe, given: Mapping[str, Any]) -> None:
    """Write task, model and further given tables; an existing config must be equal."""
    from training.runs.atomic_files import RunError
    from training.schema.validation import differences, to_dict

    config = {table: to_dict(getattr(recipe, table)) for table in given}
    old = run.config()
    if old is None:
        run.write_config(config)
    elif fields := differences(old, config):
        raise RunError(
            f"{run.path}: was adopted with another config ({'; '.join(fields)}); choose another --out"
        )


def evaluated(
    setting: Setting, steps: np.ndarray, weights: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the columns of metrics.parquet, a row per checkpoint.

    The engine that trains computes them. Where the weights were trained on another split than the task's,
    train and test mix that one's parts.
    """
    import numpy as np
    import torch

    from training.optimization.engine import Engine
    from training.optimization.evaluation import METRICS

    torch.set_num_threads(1)  # as every worker does: these matrices are too small for two
    start = {name: torch.from_numpy(w[0]) for name, w in weights.items()}
    engine = Engine(setting.model, setting.optimizer, setting.task.build(), [start], [None])
    rows = []
    for i in range(len(steps)):
        for name, w in weights.items():
            engine.weights[name][0].copy_(torch.from_numpy(w[i]))
        rows.append(engine.evaluate()[0])
    return {"step": steps} | dict(zip(METRICS, np.array(rows).T, strict=True))
