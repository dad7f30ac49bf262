"""Trained network of a run: its steps, weights, mask and curves."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from interp.dynamics.threshold_crossings import GrokkingTimes
from interp.masks.topk import density
from training.config.recipe import Recipe
from training.config.settings import Setting
from training.inspection.file_checks import check_mask_fits
from training.models.weight_names import prunable
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.schema.validation import names, require

if TYPE_CHECKING:
    import pandas as pd
    import torch


class NetworkMask(dict[str, np.ndarray]):
    """Mask of a network: by weight name an array, True = kept.

    Examples
    --------
    >>> mask = NetworkMask(W_E=np.array([[True, False], [False, False]]))
    >>> mask.density, mask.sparsity
    (0.25, 0.75)
    """

    @property
    def density(self) -> float:
        """Share of the prunable weights that are kept."""
        return density(self)["global"]

    @property
    def sparsity(self) -> float:
        """Share of the prunable weights that are pruned."""
        return 1 - self.density

    def __repr__(self) -> str:
        shares = density(self)
        weights = ", ".join(f"{name} {shares[name]:.3g} of {is_kept.shape}" for name, is_kept in self.items())
        return f"NetworkMask(density {self.density:.3g}: {weights})"


@dataclass(frozen=True, repr=False)
class Network:
    """One arm and seed of a run.

    Read from its directory on use; `weights` and `metrics` are read anew at every call, so keep what you use
    twice.
    """

    files: ArmDir
    recipe: Recipe
    only_steps: tuple[int, ...] | None = None
    """Restrict to these checkpoints; None takes all."""

    def __repr__(self) -> str:
        first, last = self.steps[[0, -1]] if len(self.steps) else ("none", "none")
        mask = "" if self.mask is None else f", density {self.mask.density:.3g}"
        return f"Network({self.files}: {len(self.steps)} checkpoints, steps {first} to {last}{mask})"

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
        if self.only_steps is None:
            return np.arange(len(steps))
        return np.flatnonzero(np.isin(steps, self.only_steps))

    @cached_property
    def steps(self) -> np.ndarray:
        """Steps of its checkpoints, (T,)."""
        return self.files.steps()[self._rows]

    @overload
    def weights(self) -> dict[str, np.ndarray]: ...

    @overload
    def weights(self, name: str) -> np.ndarray: ...

    def weights(self, name: str | None = None) -> dict[str, np.ndarray] | np.ndarray:
        """Return weights across checkpoints, (T, ...), float32, pruned ones zero.

        Parameters
        ----------
        name : str, optional
            Return this weight alone; all by name otherwise.

        Raises
        ------
        ConfigError
            If there is no weight of this name; the message lists those there are.
        RunError
            If the saved weights are damaged or not those of the recipe's model.
        """
        shapes = self.setting.shapes()
        if name is not None:
            require(name in shapes, "name", f"one of the weights {names(shapes)}", name)
            return self._checked(self.files.checkpoints(name), {name: shapes[name]})[name]
        stacked = self.files.checkpoints()
        if stacked.keys() != shapes.keys():
            raise RunError(f"{self.files.path}: expected weights {names(shapes)}, got {names(stacked)}")
        return self._checked(stacked, shapes)

    def _checked(self, stacked: dict[str, np.ndarray], shapes: Any) -> dict[str, np.ndarray]:
        """Return weights at the chosen steps; their shapes are checked."""
        n_steps = len(self.files.steps())
        for name, shape in shapes.items():
            got = stacked[name].shape
            if got != (n_steps, *shape):
                raise RunError(f"{self.files.path}: {name}: expected shape {(n_steps, *shape)}, got {got}")
            if not np.isfinite(stacked[name]).all():
                raise RunError(f"{self.files.path}: {name}: has values that are not finite")
        if self.only_steps is None:
            return {name: stacked[name] for name in shapes}
        return {name: stacked[name][self._rows] for name in shapes}

    def hooked(self, step: int | None = None, dtype: torch.dtype | str = "float64") -> Any:
        """Return the network at a checkpoint, by default the last, as a torch module with hook points.

        `training.load_hooked` has what it is, the parameters and the errors.
        """
        from training.inspection.hooked_network import load_hooked

        return load_hooked(self.files.path.parents[2], self.arm, self.seed, step, dtype)

    @cached_property
    def mask(self) -> NetworkMask | None:
        """Mask by the name of each prunable weight; None if dense.

        Raises
        ------
        RunError
            If the recipe prunes this arm and its mask is missing, or has not the weights' shapes.
        """
        mask, settings = self.files.mask(), self.recipe.arms[self.arm]
        if mask is None:
            if settings.prunes:
                raise RunError(f"{self.files.path / 'mask.safetensors'}: missing")
            return None
        shapes = prunable(self.setting.shapes())
        if {name: is_kept.shape for name, is_kept in mask.items()} != shapes:
            raise RunError(
                f"{self.files.path / 'mask.safetensors'}: does not fit the weights' names and shapes"
            )
        check_mask_fits(self.files, mask, self.files.checkpoints(*shapes), settings.trains_scores)
        return NetworkMask((name, mask[name]) for name in shapes)

    @property
    def metrics(self) -> pd.DataFrame | None:
        """One row per evaluation; None for adopted weights that came without.

        The missing file is named on stderr.

        Raises
        ------
        RunError
            If they are damaged (`checked_metrics`), or missing from an arm that this project trained.
        """
        if not (self.files.path / "metrics.parquet").exists() and self.files.done() is None:
            print(f"{self.files}: no metrics.parquet; what needs its curves is left out", file=sys.stderr)
            return None
        criterion = self.setting.criterion
        needed = ("train_acc", "test_acc", criterion.train, criterion.test)
        return self.files.metrics(*needed, measured=criterion.train)

    @cached_property
    def _times(self) -> GrokkingTimes | None:
        metrics = self.metrics
        return None if metrics is None else self.setting.criterion.times(metrics)

    @property
    def t_mem(self) -> int | None:
        """First evaluated step at which it has memorised; None if unknown."""
        return None if self._times is None else self._times.t_mem.at

    @property
    def t_gen(self) -> int | None:
        """First evaluated step at which it has generalised; None if unknown."""
        return None if self._times is None else self._times.t_gen.at
