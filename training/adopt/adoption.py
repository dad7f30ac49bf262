"""Weights from elsewhere, written as an arm of a run directory."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.adopt.state_dicts import Checkpoint, checkpoints_of, read_checkpoints
from training.adopt.weight_names import renamed_weights
from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.config.settings import Setting
from training.inspection.run import Run, open_run
from training.models.registry import MODELS
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.toml_text import Overrides, override_texts
from training.schema.validation import differences, names, override, require, to_dict

TABLES = ("task", "model", "optimizer", "measure", "pruning")
"""Tables of a recipe that overrides may name."""


@dataclass(frozen=True)
class Adopted:
    """Arm that was written: its run, the model's sizes, steps and metrics."""

    run: RunDir
    sizes: dict[str, Any]
    steps: np.ndarray
    metrics: dict[str, np.ndarray] | None


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """Description of weights from elsewhere, and of the arm to write."""

    out: str
    model: str
    p: int | None = None
    task: str = "add"
    frac_train: float | None = None
    overrides: Sequence[str] = ()
    arm: str = "dense"
    seed: int = 0
    metrics: bool | None = None
    force: bool = False

    def adopt(self, read: Callable[[], Sequence[Checkpoint]]) -> Adopted:
        """Write the checkpoints that `read` returns as an arm."""
        given, recipe = self._recipe()
        run = RunDir(self.out)
        files = run.arm(self.arm, self.seed)
        _check_folder(run, files, self.force)  # before the reading, which may take long, and again below
        checkpoints = read()
        model, weights = renamed_weights(recipe.model, recipe.task, checkpoints)
        recipe = dataclasses.replace(recipe, model=model)
        sizes = to_dict(model)
        _check_sizes(sizes, given["model"])
        steps = np.array([checkpoint.step for checkpoint in checkpoints])
        has_metrics = "frac_train" in given["task"] if self.metrics is None else self.metrics
        metrics = evaluated(recipe.setting(self.arm), steps, weights) if has_metrics else None
        with run.locked():
            _check_folder(run, files, self.force)
            _write_config(run, recipe, given)
            with files.locked():
                files.clear()
                if metrics is not None:
                    files.write_metrics(metrics)
                files.write_checkpoints(steps, weights)
        if metrics is not None:
            print("the split is this project's: other code's training pairs are others", file=sys.stderr)
        return Adopted(run, sizes, steps, metrics)

    def _recipe(self) -> tuple[dict[str, Any], Recipe]:
        """Return the given fields by table, and a recipe of them.

        Its model has default sizes.
        """
        task = {"name": self.task, "p": self.p, "frac_train": self.frac_train}
        given: dict[str, Any] = {"task": {field: value for field, value in task.items() if value is not None}}
        given["model"] = {}
        for setting in self.overrides:
            override(given, setting)
        unknown = given.keys() - set(TABLES)
        require(not unknown, "--set", f"fields of {names(TABLES)}", names(unknown))
        for table in ("task", "model"):
            require(isinstance(given[table], dict), f"--set {table}", "a table of fields", given[table])
        given["model"]["name"] = self.model
        has_p = "p" in given["task"] or MODELS[self.model].reads != "tokens"
        require(has_p, "--p", f"the number of residues, for {self.model}", None)
        run = {"name": Path(self.out).resolve().name, "seeds": [self.seed], "arms": {self.arm: {}}}
        return given, recipe_from_dict(given | run)


def adopt_weights(
    weights: Any,
    out: str | Path,
    *,
    model: str,
    p: int | None = None,
    task: str = "add",
    frac_train: float | None = None,
    overrides: Overrides = (),
    steps: Sequence[int] | None = None,
    arm: str = "dense",
    seed: int = 0,
    metrics: bool | None = None,
    force: bool = False,
) -> Run:
    """Write weights that other code trained as a run, and return it.

    Every analysis and figure then reads them. The options are those of `python -m training.adopt`.

    Parameters
    ----------
    weights : state dict, sequence or mapping of state dicts, path or paths
        Arrays or tensors by name; several such tables, as a list or by step; or files of them.
    out : path
        Run directory to write, as "runs/theirs".
    model : str
        Model that the weights belong to, such as "embed_mlp"; its sizes are read from the weights.
    p : int, optional
        Number of residues, for tasks mod p.
    task : str
        Name of the task.
    frac_train : float, optional
        Share of the pairs trained on; also writes metrics, unless `metrics` is False.
    overrides : mapping, or sequence of str
        Further fields, as `{"task.pairs": "ordered"}`.
    steps : sequence of int, optional
        Step of each state dict.
    arm : str
        Name of the arm.
    seed : int
        Seed of the arm.
    metrics : bool, optional
        Write losses and accuracies for the split that the task draws.
    force : bool
        Replace this arm and seed if they exist.

    Returns
    -------
    Run
        The run; `run[arm, seed]` is the adopted network.

    Raises
    ------
    ConfigError
        If an option or the steps do not fit.
    RunError
        If names or shapes do not fit the model, or the folder holds something else.
    """
    options = [name for name, description in MODELS.items() if description.infers_sizes]
    require(model in options, "model", f"one of {names(options)}", model)
    adoption = Adoption(
        out=str(out),
        model=model,
        p=p,
        task=task,
        frac_train=frac_train,
        overrides=override_texts(overrides),
        arm=arm,
        seed=seed,
        metrics=metrics,
        force=force,
    )
    paths = [weights] if isinstance(weights, str | Path) else weights
    if isinstance(paths, list | tuple) and all(isinstance(path, str | Path) for path in paths):
        return open_run(adoption.adopt(lambda: read_checkpoints([str(path) for path in paths], steps)).run)
    return open_run(adoption.adopt(lambda: checkpoints_of(weights, steps)).run)


def _check_sizes(sizes: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the model's fields that the user gave against the weights' sizes."""
    for field, value in sizes.items():
        given_value = given.get(field, value)
        expected = f"{value!r}, as the weights have it"
        require(given_value == value, f"model.{field}", expected, given_value)


def _check_folder(run: RunDir, files: ArmDir, force: bool) -> None:
    """Raise a `RunError` if the folder holds something else, or this arm already."""
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
    start = {name: torch.from_numpy(w[0]) for name, w in weights.items()}
    engine = Engine(setting.model, setting.optimizer, setting.task.build(), [start], [None])
    rows, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)  # as every worker does: these matrices are too small for two
    try:
        for i in range(len(steps)):
            for name, w in weights.items():
                engine.weights[name][0].copy_(torch.from_numpy(w[i]))
            rows.append(engine.evaluate()[0])
    finally:
        torch.set_num_threads(threads)
    return {"step": steps} | dict(zip(METRICS, np.array(rows).T, strict=True))
