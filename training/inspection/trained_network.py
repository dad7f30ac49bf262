"""One trained network of a run: its steps, weights, mask and curves."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from training.config.recipe import Recipe
from training.config.settings import Setting
from training.models.weight_names import prunable
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir
from training.schema.validation import names

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
        if {name: is_kept.shape for name, is_kept in mask.items()} != shapes:
            raise RunError(
                f"{self.files.path / 'mask.safetensors'}: does not fit the weights' names and shapes"
            )
        return {name: mask[name] for name in shapes}

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
