"""Settings of a recipe: frozen dataclasses, validated on construction.

Field docstrings are the reference of what a recipe may name; `python -m training list fields` prints them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp.dynamics.threshold_crossings import Crossing, GrokkingTimes, first_crossing, grokking_times
from training.models.base import Model
from training.optimization.optimizers.base import Optimizer
from training.schema.validation import OMITTED_AT_DEFAULT, require, to_dict
from training.tasks.dataset import Dataset, Task

if TYPE_CHECKING:
    import pandas as pd

    from training.models.network import Weights


@dataclass(frozen=True, kw_only=True)
class CheckpointGrid:
    """Steps at which weights are saved: every n-th, spaced in their logarithm, or around an event."""

    every: int | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """Every multiple of this step, from `first` to `last`."""
    log: int | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """So many steps from `first` (1 at least) to `last`, evenly spaced in their logarithm."""
    first: int = field(default=0, metadata=OMITTED_AT_DEFAULT)
    """First step of the grid."""
    last: int | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """Last step of the grid; by default the end of the training."""
    around: Literal["t_mem", "t_gen"] | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """Event around which `every` counts; the finished arm is replayed to save these."""
    within: int = field(default=0, metadata=OMITTED_AT_DEFAULT)
    """Steps before and after the event `around`."""

    def __post_init__(self) -> None:
        for name in ("every", "log"):
            value = getattr(self, name)
            require(value is None or value >= 1, name, "a whole number from 1", value)
        one = (self.every is None) != (self.log is None)
        require(one, "every", "a grid with every or log, not both", to_dict(self))
        require(self.first >= 0, "first", "a whole number from 0", self.first)
        require(self.last is None or self.last >= self.first, "last", "no step before first", self.last)
        has_end = self.log is None or (self.last or 0) >= 1
        require(has_end, "last", "a step from 1 for a grid with log", self.last)
        if self.around is None:
            require(self.within == 0, "within", "none without around", self.within)
        else:
            require(self.within >= 1, "within", "a whole number from 1", self.within)
            alone = self.log is None and self.first == 0 and self.last is None
            require(alone, "around", "every and within alone beside it", to_dict(self))

    def has(self, step: int, eval_every: int) -> bool:
        """Return True if a step is one of the grid, whatever the arm has learned by then."""
        if self.around is not None or step < self.first or (self.last is not None and step > self.last):
            return False
        if self.every is not None:
            return step % self.every == 0
        return step in _log_steps(self, eval_every)

    def near(self, step: int, event: int) -> bool:
        """Return True if a step is one of the grid around an event's step."""
        assert self.every is not None
        return step % self.every == 0 and abs(step - event) <= self.within


@functools.cache
def _log_steps(grid: CheckpointGrid, eval_every: int) -> frozenset[int]:
    """Return a grid's steps, each moved to the nearest evaluation."""
    assert grid.log is not None and grid.last is not None
    spaced = np.geomspace(max(grid.first, 1), grid.last, grid.log)
    return frozenset(int(step) for step in np.round(spaced / eval_every) * eval_every)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Schedule of evaluations and checkpoints, and the levels that count."""

    eval_every: int = 10
    """Evaluate at every multiple of this step; t_mem and t_gen are that precise."""
    threshold: float = 0.95
    """P: accuracy that counts as memorised (train) and generalised (test) in what is reported."""
    stop_threshold: float = 0.95
    """Accuracy from which `settle_steps` count, and that the source of a ticket has to reach."""
    checkpoints: tuple[CheckpointGrid, ...] = (
        CheckpointGrid(every=1000),
        CheckpointGrid(every=100, last=2000),
    )
    """Grids of the steps at which weights are saved, beside the first and the last."""

    def __post_init__(self) -> None:
        require(self.eval_every >= 1, "eval_every", "a whole number from 1", self.eval_every)
        for name in ("threshold", "stop_threshold"):
            value = getattr(self, name)
            require(0 < value <= 1, name, "a number in (0, 1]", value)
        self.check_grids("checkpoints", self.checkpoints)

    def check_grids(self, field: str, grids: Sequence[CheckpointGrid]) -> None:
        """Raise a `ConfigError` unless weights are saved where the arm is evaluated."""
        for grid in grids:
            expected = f"multiples of eval_every = {self.eval_every}"
            require(not (grid.every or 0) % self.eval_every, field, expected, to_dict(grid))


def is_checkpoint(grids: Sequence[CheckpointGrid], step: int, eval_every: int) -> bool:
    """Return True if weights are saved at a step of a training that goes on."""
    return step == 0 or any(grid.has(step, eval_every) for grid in grids)


def steps_around(
    grids: Sequence[CheckpointGrid], times: GrokkingTimes, evaluated: Sequence[int]
) -> list[int]:
    """Return the evaluated steps that grids around an event name.

    Without the event there are none.
    """
    events = [(grid, getattr(times, grid.around).at) for grid in grids if grid.around is not None]
    return [
        step
        for step in evaluated
        if any(event is not None and grid.near(step, event) for grid, event in events)
    ]


@dataclass(frozen=True)
class Criterion:
    """Curves and level that define memorised and generalised."""

    train: str
    test: str
    level: float
    direction: Literal["up", "down"]

    @property
    def quantity(self) -> str:
        """Return the quantity of the curves: `accuracy` or `loss`."""
        return "accuracy" if self.direction == "up" else "loss"

    def met(self, value: float) -> bool:
        """Return True if a value is at the level or beyond."""
        return bool(value >= self.level if self.direction == "up" else value <= self.level)

    def times(self, metrics: pd.DataFrame) -> GrokkingTimes:
        """Return t_mem and t_gen from an arm's metrics.

        Without a test set, t_gen is censored at 0.
        """
        step, train, test = (np.asarray(metrics[name]) for name in ("step", self.train, self.test))
        if np.isnan(test).all():
            t_mem = first_crossing(step, train, self.level, self.direction)
            return GrokkingTimes(t_mem, t_gen=Crossing(last_before=None, at=None, budget=0))
        return grokking_times(step, train, test, self.level, self.direction)


@dataclass(frozen=True)
class Setting:
    """Task, model and optimizer of one arm."""

    task: Task
    model: Model
    optimizer: Optimizer
    threshold: float
    stop_threshold: float = 0.95

    def __post_init__(self) -> None:
        reads = f"a model that reads {self.task.gives}"
        require(self.model.reads == self.task.gives, "model.name", reads, self.model.name)
        if self.model.symmetric:
            symmetric = "a task symmetric in a and b, or unordered pairs: the network adds its two embeddings"
            require(self.task.symmetric, "task", symmetric, self.task.name)

    @property
    def criterion(self) -> Criterion:
        """Return the criterion of what is reported.

        It is the accuracy at the threshold, or the loss for tasks without classes.
        """
        return self._criterion(self.threshold)

    @property
    def stop_criterion(self) -> Criterion:
        """Return the criterion from which `settle_steps` count, and that a ticket's source has to meet."""
        return self._criterion(self.stop_threshold)

    def _criterion(self, accuracy: float) -> Criterion:
        if self.task.loss_threshold is None:
            return Criterion("train_acc", "test_acc", accuracy, "up")
        return Criterion("train_loss", "test_loss", self.task.loss_threshold, "down")

    def describe(self) -> str:
        """Return what is learned, in words."""
        ordered = self.model.symmetric and getattr(self.task, "pairs", "") == "ordered"
        merged = "; (a, b) and (b, a) are one example, as the network adds its two inputs" if ordered else ""
        return self.task.describe() + merged

    def examples(self) -> Dataset:
        """Return the task's examples; those that the model cannot tell apart are one."""
        return _examples(self.task, self.model.symmetric)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return every weight's shape by name, in the order of the forward pass."""
        return self.model.shapes(self.task.n_inputs, self.task.n_outputs)

    def initial_weights(self, seed: int) -> Weights:
        """Draw θ₀, by the seed alone; imports torch."""
        return self.model.initial_weights(self.shapes(), seed)


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """Pruning settings of all arms that have no settings of their own."""

    sparsity: float = 0.6
    """Fraction of the prunable weights removed; the paper's prune rate."""
    scope: Literal["global", "layer"] = "global"
    """`global`: one threshold for all weights; `layer`: every matrix is pruned to the sparsity."""
    min_per_layer: int = 0
    """Smallest number of entries that a weight matrix keeps; a mask with an empty matrix is refused."""
    require_generalised: bool = True
    """Skip tickets of a network that has not generalised; false: prune it anyway, and record that."""

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)
        require(self.min_per_layer >= 0, "min_per_layer", "a whole number from 0", self.min_per_layer)


@functools.lru_cache(maxsize=8)
def _examples(task: Task, symmetric: bool) -> Dataset:
    data = task.build()
    return data.unordered() if symmetric else data
