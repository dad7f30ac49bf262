"""Settings of a recipe: frozen dataclasses, validated on construction.

Field docstrings are the reference of what a recipe may name; `python -m training list fields` prints them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp.dynamics.threshold_crossings import Crossing, GrokkingTimes, first_crossing, grokking_times
from training.models.base import Model
from training.optimization.optimizers.base import Optimizer
from training.schema.validation import require
from training.tasks.dataset import Dataset, Task

if TYPE_CHECKING:
    import pandas as pd

    from training.models.network import Weights


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Schedule of evaluations and checkpoints."""

    eval_every: int = 10
    """Evaluate at every multiple of this step; t_mem and t_gen are that precise."""
    threshold: float = 0.95
    """P: accuracy that counts as memorised (train) and generalised (test)."""
    checkpoint_every: int = 1000
    """Save weights at every multiple of this step, and at the last step."""
    early_checkpoint_every: int = 100
    """Save weights at every multiple of this step up to `early_until`, where tickets generalise."""
    early_until: int = 2000
    """Last step of the dense early checkpoints."""

    def __post_init__(self) -> None:
        for name in ("eval_every", "checkpoint_every", "early_checkpoint_every"):
            require(getattr(self, name) >= 1, name, "a whole number from 1", getattr(self, name))
        require(self.early_until >= 0, "early_until", "a whole number from 0", self.early_until)
        require(0 < self.threshold <= 1, "threshold", "a number in (0, 1]", self.threshold)
        for name in ("checkpoint_every", "early_checkpoint_every"):
            every = getattr(self, name)
            expected = f"a multiple of eval_every = {self.eval_every}"
            require(every % self.eval_every == 0, name, expected, every)

    def is_checkpoint(self, step: int) -> bool:
        """Return True if weights are saved at `step`, even if the arm goes on."""
        early = step <= self.early_until and step % self.early_checkpoint_every == 0
        return early or step % self.checkpoint_every == 0


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

    def __post_init__(self) -> None:
        reads = f"a model that reads {self.task.gives}"
        require(self.model.reads == self.task.gives, "model.name", reads, self.model.name)
        if self.model.symmetric:
            symmetric = "a task symmetric in a and b, or unordered pairs: the network adds its two embeddings"
            require(self.task.symmetric, "task", symmetric, self.task.name)

    @property
    def criterion(self) -> Criterion:
        """Return the criterion: accuracy at the threshold, or loss for tasks without classes."""
        if self.task.loss_threshold is None:
            return Criterion("train_acc", "test_acc", self.threshold, "up")
        return Criterion("train_loss", "test_loss", self.task.loss_threshold, "down")

    def describe(self) -> str:
        """Return what is learned, in words."""
        ordered = self.model.symmetric and getattr(self.task, "pairs", "") == "ordered"
        merged = "; (a, b) and (b, a) are one example, as the network adds its two inputs" if ordered else ""
        return self.task.describe() + merged

    def examples(self) -> Dataset:
        """Return the task's examples; those that the model cannot tell apart are one."""
        data = self.task.build()
        return data.unordered() if self.model.symmetric else data

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
