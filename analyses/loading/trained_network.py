"""Networks of a run with their weights and masks, checked against its config.

A run that this project trained has a provenance and, for every finished arm, a DONE. A folder without a
provenance holds adopted weights: its `config.json` then needs no more than the task's `p` and the
model's sizes, and its arms no DONE, metrics or mask.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from interp.masks.topk import magnitude_mask
from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.config.recipe import Recipe
from training.config.settings import Setting
from training.execution.jobs import arm_status
from training.models.weight_names import prunable
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Network:
    """One arm and seed of a run."""

    files: ArmDir
    recipe: Recipe
    only_steps: tuple[int, ...] | None
    """Restrict to these checkpoints; None takes all."""

    @property
    def arm(self) -> str:
        """Name of the arm."""
        return self.files.arm

    @property
    def seed(self) -> int:
        """Seed of the arm."""
        return self.files.seed

    @property
    def role(self) -> str:
        """Role of the arm: dense, ticket, control or variant."""
        return self.recipe.role(self.arm)

    @property
    def setting(self) -> Setting:
        """Task, model and optimizer that it was trained with."""
        return self.recipe.setting(self.arm)

    @property
    def p(self) -> int:
        """Number of residues.

        Raises
        ------
        RunError
            If the task is not about residues.
        """
        p = getattr(self.setting.task, "p", None)
        if p is None:
            task = self.setting.task.name
            raise RunError(f"{self.files.path}: expected a task over residues mod p, and this one is {task}")
        return p

    def maps(self, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the input and the output map of its neurons, (T, m, p) each.

        Parameters
        ----------
        weights : mapping
            As `weights()` returns them.

        Raises
        ------
        RunError
            If the task is not about residues.
        """
        from interp.mechanism.effective_weights import effective_maps

        assert self.p
        maps = effective_maps(self.setting.model.name, weights)
        return maps["input"], maps["output"]

    def maps_of_sums(self, weights: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the input and the output map; raise unless the network sums its two inputs.

        Raises
        ------
        RunError
            If the task is not about residues, or the network does more than sum its two inputs.
        """
        model = self.setting.model
        if self.p and not model.symmetric:
            expected = "expected a network that adds its two inputs"
            raise RunError(f"{self.files.path}: {expected}, and this one is a {model.name}")
        return self.maps(weights)

    @cached_property
    def _rows(self) -> np.ndarray:
        steps = self.files.steps()
        if steps.ndim != 1 or not (np.diff(steps) > 0).all() or len(steps) == 0:
            raise RunError(f"{self.files.path}: checkpoints: 'step' does not increase")
        if self.only_steps is None:
            return np.arange(len(steps))
        return np.flatnonzero(np.isin(steps, self.only_steps))

    @cached_property
    def steps(self) -> np.ndarray:
        """Steps of its checkpoints, (T,)."""
        return self.files.steps()[self._rows]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights across checkpoints by name, (T, ...), float32, pruned ones zero."""
        stacked = self.files.checkpoints()
        n_steps = len(self.files.steps())
        shapes = self.setting.shapes()
        if stacked.keys() != shapes.keys():
            raise RunError(f"{self.files.path}: expected weights {names(shapes)}, got {names(stacked)}")
        for name, shape in shapes.items():
            got = stacked[name].shape
            if got != (n_steps, *shape):
                raise RunError(f"{self.files.path}: {name}: expected shape {(n_steps, *shape)}, got {got}")
            if not np.isfinite(stacked[name]).all():
                raise RunError(f"{self.files.path}: {name}: has values that are not finite")
        if self.only_steps is None:
            return {name: stacked[name] for name in shapes}
        return {name: stacked[name][self._rows] for name in shapes}

    def mask(self) -> dict[str, np.ndarray] | None:
        """Return the arm's mask by the name of each prunable weight; None if dense.

        Raises
        ------
        RunError
            If the recipe prunes this arm and its mask is missing, or has not the weights' shapes.
        """
        mask = self.files.mask()
        if mask is None:
            if self.recipe.arms[self.arm].prunes:
                raise RunError(f"{self.files.path / 'mask.safetensors'}: missing")
            return None
        shapes = prunable(self.setting.shapes())
        if {name: kept.shape for name, kept in mask.items()} != shapes:
            raise RunError(
                f"{self.files.path / 'mask.safetensors'}: does not fit the weights' names and shapes"
            )
        return {name: mask[name] for name in shapes}

    def masks(self, weights: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """Return a mask per checkpoint.

        A pruned arm has its mask at every checkpoint, an arm with trained scores the mask they choose then, a
        dense arm the magnitude mask of its weights at the recipe's sparsity.

        Parameters
        ----------
        weights : mapping
            As `weights()` returns them: they need not be read twice.
        """
        mask = self.mask()
        if self.recipe.arms[self.arm].trains_scores:
            places = range(len(self.steps))
            return [{name: w[t] != 0 for name, w in prunable(weights).items()} for t in places]
        if mask is not None:
            return [mask] * len(self.steps)
        pruning, matrices = self.recipe.pruning, prunable(weights)
        return [
            magnitude_mask({name: w[t] for name, w in matrices.items()}, 1 - pruning.sparsity, pruning.scope)
            for t in range(len(self.steps))
        ]

    @property
    def mask_changes(self) -> bool:
        """True if `masks` differ between checkpoints."""
        return self.mask() is None or self.recipe.arms[self.arm].trains_scores

    def metrics(self) -> pd.DataFrame | None:
        """Return one row per evaluation; None for adopted weights that came without.

        The missing file is named on stderr.

        Raises
        ------
        RunError
            If they are damaged, lack a column, or are missing from an arm that this project trained.
        """
        if not (self.files.path / "metrics.parquet").exists() and self.files.done() is None:
            print(f"{self.files}: no metrics.parquet; what needs its curves is left out", file=sys.stderr)
            return None
        table = self.files.metrics()
        criterion = self.setting.criterion
        needed = ("step", "train_acc", "test_acc", criterion.train, criterion.test)
        if missing := [name for name in needed if name not in table]:
            path = self.files.path / "metrics.parquet"
            raise RunError(f"{path}: expected columns {names(set(needed))}, and {names(missing)} is missing")
        return table


def open_networks(
    path: str, arms: Sequence[str] | None = None, steps: Sequence[int] | None = None
) -> tuple[RunDir, list[Network]]:
    """Return a run and its finished networks; unfinished ones are named on stderr.

    Raises
    ------
    ConfigError
        If an arm or step is asked for that the run has not.
    RunError
        If the run is damaged, holds nothing finished, or its config was edited after it was trained.
    """
    run = RunDir.open(path)
    recipe, trained_here = _recipe(run), run.provenance() is not None
    unknown = set(arms or ()) - set(recipe.arms)
    if unknown:
        raise ConfigError(f"--arms: expected some of {names(recipe.arms)}, got {names(unknown)}")
    chosen = [files for arm in (arms or recipe.arms) for files in run.arms() if files.arm == arm]
    only = None if steps is None else tuple(steps)
    ready = [Network(files, recipe, only) for files in chosen if _is_ready(files, recipe, trained_here)]
    if not ready:
        raise RunError(f"{path}: no arm is finished; 'python -m training RECIPE' goes on with it")
    if only is not None:
        saved = {int(step) for network in ready for step in network.files.steps()}
        if not saved >= set(only):
            missing = ", ".join(str(step) for step in sorted(set(only) - saved))
            raise ConfigError(f"--steps: expected steps with a checkpoint (0 to {max(saved)}), got {missing}")
    return run, [network for network in ready if len(network.steps) > 0]


def _recipe(run: RunDir) -> Recipe:
    """Return the recipe of a run; of adopted weights, what their config says and defaults."""
    config = run.config() or {}
    if run.provenance() is None:
        arms: dict[str, dict[str, str]] = {files.arm: {} for files in run.arms()}
        config = {"name": run.path.resolve().name, "task": {}, "model": {}, "arms": arms} | config
    try:
        return recipe_from_dict(config)
    except ConfigError as error:
        raise RunError(f"{run.path / 'config.json'}: {error}") from None


def _is_ready(files: ArmDir, recipe: Recipe, trained_here: bool) -> bool:
    """Return True for a finished network; name an unfinished one on stderr."""
    if not trained_here:
        return files.has_checkpoints()
    if files.arm not in recipe.arms:
        print(f"{files}: left out: no arm of config.json", file=sys.stderr)
        return False
    state = arm_status(files, arm_record(recipe, files.arm, files.seed))
    if state != "done":
        print(
            f"{files}: left out: {'not trained' if state == 'skipped' else 'not finished'}", file=sys.stderr
        )
    return state == "done"
