"""`python -m training.adopt FILE...`: weights that other code trained, as a run that every analysis reads.

The run has no provenance, which says that its weights are from elsewhere, and a config of the task and of the
model's sizes, read off the weights. Further arms and seeds of the same config go beside.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, format_table, run_command
from training.models.registry import MODELS

if TYPE_CHECKING:
    import numpy as np

    from training.config.recipe import Recipe
    from training.config.settings import Setting
    from training.runs.run_directory import ArmDir, RunDir


def parser() -> argparse.ArgumentParser:
    """The command line."""
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
        help="what network the weights are of",
    )
    p.add_argument("--out", required=True, metavar="DIR", help="the run directory to write, as in runs/NAME")
    p.add_argument("--p", type=int, help="number of residues, for tasks mod p")
    p.add_argument("--task", default="add", metavar="NAME", help="the task's name: an operation, or another")
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
        help="of every state dict; by default what the files or the last numbers in their names say",
    )
    p.add_argument("--arm", default="dense", help="name of the arm")
    p.add_argument("--seed", type=int, default=0, help="seed of the arm")
    p.add_argument(
        "--metrics",
        action=argparse.BooleanOptionalAction,
        help="write losses and accuracies for the split that the task draws; by default with --frac-train",
    )
    p.add_argument("--force", action="store_true", help="replace this arm and seed if they are there")
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, read, translate, write."""
    args = parser().parse_args(argv)
    return run_command(lambda: _adopt(args))


def _adopt(args: argparse.Namespace) -> int:
    import dataclasses

    import numpy as np

    from training.adopt.state_dicts import read_checkpoints
    from training.adopt.weight_names import translated
    from training.runs.run_directory import RunDir
    from training.schema.validation import require, to_dict

    said, recipe = _recipe(args)
    run = RunDir(args.out)
    files = run.arm(args.arm, args.seed)
    _check_folder(run, files, args.force)  # before the reading, which may take long, and again below
    checkpoints = read_checkpoints(args.files, args.steps)
    model, weights = translated(recipe.model, recipe.task, checkpoints)
    settings = to_dict(model)
    for field, value in settings.items():
        given = said["model"].get(field, value)
        require(given == value, f"model.{field}", f"{value!r}, as the weights have it", given)
    steps = np.array([checkpoint.step for checkpoint in checkpoints])
    recipe = dataclasses.replace(recipe, model=model)
    row: dict[str, Any] = {"arm": args.arm, "seed": args.seed, "checkpoints": len(steps)}
    row |= {"first": int(steps[0]), "last": int(steps[-1])}
    metrics = None
    if "frac_train" in said["task"] if args.metrics is None else args.metrics:
        print("train and test are as this task splits; other code splits otherwise", file=sys.stderr)
        metrics = evaluated(recipe.setting(args.arm), steps, weights)
        row |= {name: float(metrics[name][-1]) for name in ("train_acc", "test_acc")}
    with run.locked():
        _check_folder(run, files, args.force)
        _write_config(run, recipe, said)
        with files.locked():
            files.clear()
            if metrics is not None:
                files.write_metrics(metrics)
            files.write_checkpoints(steps, weights)
    if args.json:
        print(json.dumps({"run": str(run.path), "model": settings} | row, indent=2))
    else:
        print(run.path)
        print(", ".join(f"{name} {value}" for name, value in settings.items() if "init" not in name))
        print(format_table([row]))
    return 0


def _recipe(args: argparse.Namespace) -> tuple[dict[str, Any], Recipe]:
    """What the user says of the config, by table; and a recipe of it, with the model in its default sizes."""
    from training.config.build_recipe import recipe_from_dict
    from training.schema.validation import names, override, require

    task = {"name": args.task, "p": args.p, "frac_train": args.frac_train}
    said: dict[str, Any] = {"task": {field: value for field, value in task.items() if value is not None}}
    said["model"] = {}
    for setting in args.overrides:
        override(said, setting)
    kinds = {"task", "model", "optimizer", "measure", "pruning"}
    require(said.keys() <= kinds, "--set", f"fields of {names(kinds)}", names(said.keys() - kinds))
    for kind in ("task", "model"):
        require(isinstance(said[kind], dict), f"--set {kind}", "a table of fields", said[kind])
    said["model"]["name"] = args.model
    p_fits = "p" in said["task"] or MODELS[args.model].reads != "tokens"
    require(p_fits, "--p", f"the number of residues, for {args.model}", None)
    arm = {"name": Path(args.out).resolve().name, "seeds": [args.seed], "arms": {args.arm: {}}}
    return said, recipe_from_dict(said | arm)


def _check_folder(run: RunDir, files: ArmDir, force: bool) -> None:
    """Refuse a folder that holds something else, or this arm already."""
    from training.runs.atomic_files import RunError

    beside = "choose another --out"
    if run.config() is None:
        if any(not path.name.startswith(".") for path in run.path.glob("*")):
            raise RunError(f"{run.path}: holds files but no config.json, so no run; {beside}")
    elif run.provenance() is not None:
        raise RunError(f"{run.path}: holds a run that this project trained; {beside}")
    if files.has_checkpoints() and not force:
        raise RunError(f"{files.path}: holds weights; --force replaces them, --arm and --seed add others")


def _write_config(run: RunDir, recipe: Recipe, said: Mapping[str, Any]) -> None:
    """Task and model, and what else the user said; a config that stands there has to say the same."""
    from training.runs.atomic_files import RunError
    from training.schema.validation import differences, to_dict

    config = {kind: to_dict(getattr(recipe, kind)) for kind in said}
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
    """The columns of metrics.parquet, a row per checkpoint, by the engine that trains.

    Where the weights were trained on another split than the task's, train and test mix that one's parts.
    """
    import numpy as np
    import torch

    from training.optimization.engine import Engine
    from training.optimization.evaluation import METRICS

    torch.set_num_threads(1)  # as every worker does: these matrices are too small for two
    start = {name: torch.from_numpy(w[0]) for name, w in weights.items()}
    engine = Engine(setting.model, setting.optimizer, setting.task.build(), [start], [None])
    rows = []
    for place in range(len(steps)):
        for name, w in weights.items():
            engine.weights[name][0].copy_(torch.from_numpy(w[place]))
        rows.append(engine.evaluate()[0])
    return {"step": steps} | dict(zip(METRICS, np.array(rows).T, strict=True))
