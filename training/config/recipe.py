"""Recipe of an experiment: task, model, optimizer, and the arms to train."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from training.config.arm import Arm, Role, role_of
from training.config.checks.recipe_checks import check_recipe
from training.config.settings import CheckpointGrid, Measure, Pruning, Setting, is_checkpoint
from training.models.base import Model
from training.optimization.optimizers import AdamW, Optimizer
from training.schema.validation import OMITTED_AT_DEFAULT, require, to_dict
from training.tasks.dataset import Task


@dataclass(frozen=True, kw_only=True)
class Refine:
    """Search for the sparsity above which networks no longer generalise.

    Of the arms that differ from `like` in sparsity alone, take the highest sparsity at which more than half
    of the seeds generalised and the lowest above it at which they did not. Train the arm half way between,
    and repeat until the two are neighbours.
    """

    like: str
    """Arm whose sparsity is varied."""
    resolution: float = 0.01
    """Sparsities tried are whole multiples of it."""

    def __post_init__(self) -> None:
        require(0 < self.resolution < 1, "resolution", "a number in (0, 1)", self.resolution)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Experiment: task, model, optimizer, and the arms trained for every seed."""

    name: str
    """Name of the run's folder in the folder of runs."""
    about: str = ""
    """One line for `python -m training list`."""
    collection: str = ""
    """Paper whose experiment this is; `--all-of` trains all that name it."""
    note: str = ""
    """Text in a corner of every figure of the run, for example that it is a quick version."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each arm is trained once per seed, on which its start depends; ranges too, as "0:20" (without 20)."""
    task: Task
    """Task to learn; `name` is a key of `TASKS`."""
    model: Model
    """Network; `name` is a key of `MODELS`."""
    optimizer: Optimizer = field(default_factory=AdamW)
    """Optimizer; `name` is a key of `OPTIMIZERS`."""
    measure: Measure = field(default_factory=Measure)
    """Schedule of evaluations and checkpoints."""
    pruning: Pruning = field(default_factory=Pruning)
    """Pruning settings of all arms that have none of their own."""
    arms: Mapping[str, Arm] = field(default_factory=dict)
    """Networks to train, by name."""
    refine: Refine | None = None
    """Search that adds arms."""
    plugins: tuple[str, ...] = field(default=(), metadata=OMITTED_AT_DEFAULT)
    """Modules or Python files that define what the recipe names and the project does not."""

    def __post_init__(self) -> None:
        check_recipe(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields, without what was computed from them."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def restricted(self, arm: str, seed: int) -> Recipe:
        """Return the recipe of one network, small enough to be sent with it.

        Its arms are this one, those that it depends on, and those made from it, whose records name the
        checkpoints that they have read. They have been checked already, and are not checked again.
        """
        names = [*self.lineage(arm), *self.dependents.get(arm, ())]
        recipe = object.__new__(Recipe)
        fields = {"seeds": (seed,), "arms": {name: self.arms[name] for name in names}, "refine": None}
        recipe.__dict__.update(self.__getstate__() | fields)
        return recipe

    @functools.cached_property
    def dependents(self) -> dict[str, tuple[str, ...]]:
        """The arms made from an arm, by its name, in the recipe's order; arms without any are left out."""
        dependents: dict[str, list[str]] = {}
        for name, arm in self.arms.items():
            if arm.source is not None:
                dependents.setdefault(arm.source, []).append(name)
        return {source: tuple(names) for source, names in dependents.items()}

    def setting(self, arm: str) -> Setting:
        """Return an arm's task, model and optimizer: its own, or the recipe's."""
        settings = self.arms[arm]
        return Setting(
            settings.task or self.task,
            settings.model or self.model,
            settings.optimizer or self.optimizer,
            self.measure.threshold,
            self.measure.stop_threshold,
        )

    def checkpoints(self, arm: str) -> tuple[CheckpointGrid, ...]:
        """Return the grids of an arm's checkpoints: its own, or the recipe's."""
        own = self.arms[arm].checkpoints
        return self.measure.checkpoints if own is None else own

    def is_checkpoint(self, arm: str, step: int) -> bool:
        """Return True if an arm's weights are saved at `step`, even if it goes on."""
        return is_checkpoint(self.checkpoints(arm), step, self.measure.eval_every)

    def lineage(self, arm: str) -> list[str]:
        """Return the arms that an arm depends on, in order, and the arm itself."""
        ordered: dict[str, None] = {}
        waiting = [arm]
        while waiting:
            missing = [name for name in self.arms[waiting[-1]].arms_read if name not in ordered]
            if missing:
                waiting += missing[::-1]
            else:
                ordered[waiting.pop()] = None
        return list(ordered)

    def resolved(self, name: str) -> dict[str, Any]:
        """Return an arm's fields as plain values, with the recipe's where the arm has none."""
        if name not in self._resolved_arms:
            self._resolved_arms[name] = self._resolved(name)
        return dict(self._resolved_arms[name])

    @functools.cached_property
    def _resolved_arms(self) -> dict[str, dict[str, Any]]:
        return {}

    def _resolved(self, name: str) -> dict[str, Any]:
        arm = self.arms[name]
        fields = to_dict(arm)
        fields.pop("role", None)  # describes the arm, and affects no result
        setting, of_recipe = self.setting(name), self._plain_tables
        tables = {
            kind: table if getattr(arm, kind) is None else to_dict(getattr(setting, kind))
            for kind, table in of_recipe.items()
        }
        return (
            fields
            | tables
            | {
                "sparsity": self.sparsity(name) if arm.takes_sparsity else None,
                "scope": self.scope(name) if arm.takes_scope else None,
            }
        )

    @functools.cached_property
    def _plain_tables(self) -> dict[str, dict[str, Any]]:
        return {kind: to_dict(getattr(self, kind)) for kind in ("task", "model", "optimizer")}

    def first_of_lineage(self, arm: str) -> str:
        """Return the arm without a source that an arm depends on, or the arm itself if it has none."""
        chain, node = [], arm
        while node not in self._first_arms and (source := self.arms[node].source) is not None:
            chain.append(node)
            node = source
        first = self._first_arms.get(node, node)
        self._first_arms.update(dict.fromkeys(chain, first))
        return first

    @functools.cached_property
    def _first_arms(self) -> dict[str, str]:
        return {}

    def depths(self) -> Mapping[str, int]:
        """Return the length of the longest chain of arms that every arm depends on."""
        return self._depths

    @functools.cached_property
    def _depths(self) -> dict[str, int]:
        depths: dict[str, int] = {}
        for name, arm in self.arms.items():
            waiting = [(name, arm.arms_read)]
            while waiting:
                node, read = waiting[-1]
                if missing := [other for other in read if other not in depths]:
                    waiting += [(other, self.arms[other].arms_read) for other in missing]
                else:
                    waiting.pop()
                    depths[node] = max((depths[other] for other in read), default=-1) + 1
        return {name: depths[name] for name in self.arms}

    def role(self, arm: str) -> Role:
        """Return an arm's role: `dense`, `ticket`, `control` or `variant`."""
        return role_of(self.arms[arm])

    def sparsity(self, arm: str) -> float:
        """Return an arm's sparsity; 0 if dense.

        An arm that takes over a mask has its source's sparsity; for an elastic arm this is approximate, as
        layers are copied or left out.
        """
        settings = self.arms[arm]
        while settings.derives_mask:
            assert settings.source is not None
            settings = self.arms[settings.source]
        if not settings.prunes:
            return 0.0
        return self.pruning.sparsity if settings.sparsity is None else settings.sparsity

    def scope(self, arm: str) -> Literal["global", "layer"]:
        """Return the scope of an arm's scores: all weights, or each layer."""
        return self.arms[arm].scope or self.pruning.scope
