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

from training.adopt.foreign_config import check_attention_scale, model_fields
from training.adopt.network_check import other_reading, pairs_of, task_accuracy
from training.adopt.state_dicts import Checkpoint, checkpoints_of, read_checkpoints
from training.adopt.weight_names import renamed_weights
from training.adopt.written_arm import ArmContent, write_arm
from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.config.settings import Setting
from training.inspection.run import Run, open_run
from training.models.registry import MODELS
from training.models.transformer.weight_names import W_E
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.toml_text import Overrides, override_texts
from training.schema.validation import ConfigError, build, names, override, require, to_dict
from training.tasks.modular import ModularTask

TABLES = ("task", "model", "optimizer", "measure", "pruning")
"""Tables of a recipe that overrides may name."""


@dataclass(frozen=True)
class Adopted:
    """Arm that was written: its run, the model's sizes, steps, metrics and accuracy."""

    run: RunDir
    sizes: dict[str, Any]
    steps: np.ndarray
    metrics: dict[str, np.ndarray] | None
    accuracy: float | None
    """Over all of the task's pairs, at the last step; None for a task without pairs."""


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
        given, recipe = self._recipe(self.model)
        run = RunDir(self.out)
        files = run.arm(self.arm, self.seed)
        _check_folder(run, files, self.force)  # before the reading, which may take long, and again below
        checkpoints = read()
        if self.model == "one_hot_mlp" and any(name in checkpoints[0].weights for name in ("W_E", W_E)):
            print("the weights have an embedding: adopted as embedded_mlp", file=sys.stderr)
            given, recipe = self._recipe("embedded_mlp")
        configs = [config for checkpoint in checkpoints for config in checkpoint.configs]
        recipe = _with_recorded_fields(given, recipe, model_fields(recipe.model, configs))
        renamed = renamed_weights(recipe.model, recipe.task, checkpoints)
        check_attention_scale(renamed.model, configs)
        sizes = to_dict(renamed.model)
        _check_sizes(sizes, given["model"])
        recipe = dataclasses.replace(recipe, model=renamed.model)
        steps = np.array([checkpoint.step for checkpoint in checkpoints])
        recipe, accuracy = _compared(recipe, {name: w[-1] for name, w in renamed.weights.items()}, given)
        has_metrics = "frac_train" in given["task"] if self.metrics is None else self.metrics
        metrics = evaluated(recipe.setting(self.arm), steps, renamed.weights) if has_metrics else None
        written = ArmContent(steps, renamed.weights, renamed.mask, metrics)
        write_arm(run, files, _config(recipe, given), written, lambda: _check_folder(run, files, self.force))
        if metrics is not None:
            print("the split is this project's: other code's training pairs are others", file=sys.stderr)
        return Adopted(run, sizes, steps, metrics, accuracy)

    def _recipe(self, model: str) -> tuple[dict[str, Any], Recipe]:
        """Return the given fields by table, and a recipe of them.

        Its model has default sizes.
        """
        require(self.out.isprintable(), "--out", "a path of printable characters", self.out)
        task = {"name": self.task, "p": self.p, "frac_train": self.frac_train}
        given: dict[str, Any] = {"task": {field: value for field, value in task.items() if value is not None}}
        given["model"] = {}
        for setting in self.overrides:
            override(given, setting)
        unknown = given.keys() - set(TABLES)
        require(not unknown, "--set", f"fields of {names(TABLES)}", names(unknown))
        for table in ("task", "model"):
            require(isinstance(given[table], dict), f"--set {table}", "a table of fields", given[table])
        given["model"]["name"] = model
        has_p = "p" in given["task"] or MODELS[model].reads != "tokens"
        require(has_p, "--p", f"the number of residues, for {model}", None)
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


def _with_recorded_fields(
    given: dict[str, Any], recipe: Recipe, recorded: Mapping[str, tuple[Any, str]]
) -> Recipe:
    """Return a recipe with the model fields that a config recorded.

    They are added to `given`."""
    for field, (value, place) in recorded.items():
        given_value = given["model"].get(field, value)
        require(given_value == value, f"model.{field}", f"{value!r}, as {place} says", given_value)
        try:
            recipe = dataclasses.replace(
                recipe, model=build(type(recipe.model), given["model"] | {field: value})
            )
        except ConfigError as error:
            raise RunError(f"{place}: {error}") from None
        given["model"][field] = value
    return recipe


def _compared(
    recipe: Recipe, weights: Mapping[str, np.ndarray], given: Mapping[str, Any]
) -> tuple[Recipe, float | None]:
    """Return a recipe whose pairs are decided, and the network's accuracy on them.

    What the network computes otherwise than as given is printed on stderr.
    """
    model, task = recipe.model, recipe.task
    if model.reads != "tokens":
        return recipe, None
    if isinstance(task, ModularTask) and not model.symmetric and "pairs" not in given["task"]:
        task, sentence = pairs_of(model, weights, task)
        recipe = dataclasses.replace(recipe, task=task)
        print(sentence, file=sys.stderr)
    data = task.build()
    if data.labels is None:
        return recipe, None
    accuracy = task_accuracy(model, weights, data)
    if note := other_reading(model, weights, data, accuracy):
        print(f"note: {note}", file=sys.stderr)
    return recipe, accuracy


def _config(recipe: Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return task, model and further given tables, resolved."""
    return {table: to_dict(getattr(recipe, table)) for table in given}


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
