"""Weights from elsewhere, written as an arm of a run directory."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.adopt.curves import evaluated, read_table, recorded_curves
from training.adopt.foreign_config import (
    check_attention_scale,
    check_sizes,
    model_fields,
    with_recorded_fields,
)
from training.adopt.foreign_masks import has_buffers, mask_of_zeros, with_mask
from training.adopt.network_check import compared
from training.adopt.renaming import check_all_used, parsed_renames, renamed_checkpoints
from training.adopt.state_dicts import Checkpoint, checkpoints_of, read_checkpoints
from training.adopt.training_pairs import (
    flat_indices,
    is_told,
    print_split,
    read_indices,
    resolved_config,
)
from training.adopt.weight_names import renamed_weights
from training.adopt.written_arm import ArmContent, write_arm
from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.inspection.run import Run, open_run
from training.models.registry import MODELS
from training.models.transformer.weight_names import W_E
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.overrides import override
from training.schema.toml_text import Overrides, override_texts
from training.schema.validation import ConfigError, build, names, require, to_dict
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
    mask: Any = None
    """"zeros", "none", a file, or masks by weight; None: buffers of the state dicts, else their zeros."""
    train_indices: Any = None
    """File or array of training pairs."""
    metrics: bool | None = None
    metrics_file: str | None = None
    rename: Sequence[str] = ()
    force: bool = False

    def adopt(self, read: Callable[[], Sequence[Checkpoint]]) -> Adopted:
        """Write the checkpoints that `read` returns as an arm."""
        given, recipe = self._recipe(self.model)
        run = RunDir(self.out)
        files = run.arm(self.arm, self.seed)
        _check_folder(run, files, self.force)  # before the reading, which may take long, and again below
        renames, checkpoints = parsed_renames(self.rename), list(read())
        curves = None if self.metrics_file is None else read_table(Path(self.metrics_file))
        check_all_used(renames, checkpoints, [] if curves is None else map(str, curves.columns))
        checkpoints, mask_is_zeros = self._masked(renamed_checkpoints(checkpoints, renames))
        if self.model == "one_hot_mlp" and any(name in checkpoints[0].weights for name in ("W_E", W_E)):
            print("the weights have an embedding: adopted as embedded_mlp", file=sys.stderr)
            given, recipe = self._recipe("embedded_mlp")
        configs = [config for checkpoint in checkpoints for config in checkpoint.configs]
        recipe = with_recorded_fields(given, recipe, model_fields(recipe.model, configs))
        renamed = renamed_weights(recipe.model, recipe.task, checkpoints)
        check_attention_scale(renamed.model, configs)
        sizes = to_dict(renamed.model)
        check_sizes(sizes, given["model"])
        recipe = dataclasses.replace(recipe, model=renamed.model)
        steps = np.array([checkpoint.step for checkpoint in checkpoints])
        mask = mask_of_zeros(steps.tolist(), renamed.weights) if mask_is_zeros else renamed.mask
        recipe = self._with_indices(recipe, given)
        recipe, accuracy = compared(recipe, {name: w[-1] for name, w in renamed.weights.items()}, given)
        metrics, setting = None, recipe.setting(self.arm)
        if curves is not None:
            metrics = recorded_curves(Path(str(self.metrics_file)), curves, renames, setting.criterion)
        elif recipe.task.split_known if self.metrics is None else self.metrics:
            metrics = evaluated(setting, steps, renamed.weights)
        written = ArmContent(steps, renamed.weights, mask, metrics)
        write_arm(
            run, files, resolved_config(recipe, given), written, lambda: _check_folder(run, files, self.force)
        )
        print_split(recipe, self.metrics_file)
        return Adopted(run, sizes, steps, metrics, accuracy)

    def _check_split(self, task: dict[str, Any]) -> None:
        """Note in the task's fields if the split is unknown; check the options that need it."""
        if self.train_indices is not None:
            alone = "none together with --train-indices, which tells the training pairs"
            require("frac_train" not in task, "--frac-train", alone, task.get("frac_train"))
        elif not is_told(task):
            task["split_known"] = False
        if self.metrics:
            expected = "none together with --metrics-file, whose curves are taken"
            require(self.metrics_file is None, "--metrics", expected, self.metrics_file)
            expected = "it together with --frac-train or --train-indices, which tell the training pairs"
            require(task.get("split_known", True), "--metrics", expected, "it alone")

    def _masked(self, checkpoints: Sequence[Checkpoint]) -> tuple[list[Checkpoint], bool]:
        """Return checkpoints with the mask as buffers, and True if zeros of the weights are the mask."""
        if self.mask is None:
            return list(checkpoints), not has_buffers(checkpoints)
        if self.mask in ("zeros", "none"):
            return with_mask(checkpoints, None), self.mask == "zeros"
        is_path = isinstance(self.mask, str | Path)
        read = read_checkpoints([str(self.mask)], [0]) if is_path else checkpoints_of(self.mask, [0])
        return with_mask(
            checkpoints, renamed_checkpoints(read, parsed_renames(self.rename))[0].weights
        ), False

    def _with_indices(self, recipe: Recipe, given: dict[str, Any]) -> Recipe:
        """Return a recipe whose task has the given training pairs; they may decide its pairs' order."""
        task = recipe.task
        if self.train_indices is None:
            return recipe
        expected = "a task of pairs of residues, with --train-indices"
        require(isinstance(task, ModularTask), "--task", expected, task.name)
        assert isinstance(task, ModularTask)
        if isinstance(self.train_indices, str | Path):
            indices = read_indices(Path(self.train_indices), task.p)
        else:
            indices = flat_indices("--train-indices", self.train_indices, task.p)
        if any(a > b for a, b in (divmod(index, task.p) for index in indices)):
            given["task"].setdefault("pairs", "ordered")
        given["task"]["train_indices"] = list(indices)
        try:
            return dataclasses.replace(recipe, task=build(type(task), to_dict(task) | given["task"]))
        except ConfigError as error:
            raise ConfigError(f"--train-indices: {error}") from None

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
        self._check_split(given["task"])
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
    mask: Any = None,
    train_indices: Any = None,
    metrics: bool | None = None,
    metrics_file: str | Path | None = None,
    rename: Mapping[str, str] | None = None,
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
        Share of the pairs trained on, in the split that the task draws. Without it and without
        `train_indices` the split is unknown, and what needs it is left out.
    overrides : mapping, or sequence of str
        Further fields, as `{"task.pairs": "ordered"}`.
    steps : sequence of int, optional
        Step of each state dict.
    arm : str
        Name of the arm.
    seed : int
        Seed of the arm.
    mask : str, path or mapping, optional
        "zeros", "none", a file of masks, or masks by weight. By default the masks that come with the weights,
        else what is exactly 0 in all of them.
    train_indices : path or array-like, optional
        Training pairs: a row (a, b) each, or flat indices a·p + b.
    metrics : bool, optional
        Write losses and accuracies of every checkpoint; by default if the split is known.
    metrics_file : path, optional
        Curves that the other code recorded, .csv or .parquet, in place of these.
    rename : mapping, optional
        New name of weights, and of columns of the curves, by the old one.
    force : bool
        Replace this arm and seed if they exist; the old files move to `arms/.replaced`.

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
        mask=mask,
        train_indices=train_indices,
        metrics=metrics,
        metrics_file=None if metrics_file is None else str(metrics_file),
        rename=[f"{old}={new}" for old, new in (rename or {}).items()],
        force=force,
    )
    paths = [weights] if isinstance(weights, str | Path) else weights
    if isinstance(paths, list | tuple) and all(isinstance(path, str | Path) for path in paths):
        return open_run(adoption.adopt(lambda: read_checkpoints([str(path) for path in paths], steps)).run)
    return open_run(adoption.adopt(lambda: checkpoints_of(weights, steps)).run)


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
