"""What an experiment is made of: frozen dataclasses, validated on construction.

Field docstrings are the reference of what a recipe may say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp.dynamics.threshold_crossings import Crossing, GrokkingTimes, first_crossing, grokking_times
from training.architectures.registry import Model
from training.schema.validation import require, require_positive
from training.tasks.dataset import Dataset, Task

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW, or gradient descent without momentum, on the full batch: one step is one epoch."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 1.0
    """Decoupled: every step multiplies the weights by 1 − lr·weight_decay."""
    betas: tuple[float, float] = (0.9, 0.98)
    """AdamW's."""
    eps: float = 1e-8
    """AdamW's."""
    warmup_steps: int = 0
    """Over so many steps lr rises from 0: after t steps it is min(t / warmup_steps, 1) of itself."""

    def __post_init__(self) -> None:
        require_positive("lr", self.lr)
        require_positive("eps", self.eps)
        require(0 <= self.weight_decay < math.inf, "weight_decay", "a number from 0", self.weight_decay)
        require(all(0 <= b < 1 for b in self.betas), "betas", "two numbers in [0, 1)", self.betas)
        require(self.warmup_steps >= 0, "warmup_steps", "a whole number from 0", self.warmup_steps)

    def lr_at(self, step: int) -> float:
        """The learning rate of the update after `step` updates."""
        return self.lr * step / self.warmup_steps if step < self.warmup_steps else self.lr


@dataclass(frozen=True, kw_only=True)
class Measure:
    """When a network in training is looked at, and when its weights are kept."""

    eval_every: int = 10
    """Losses and accuracies are taken at every multiple of this step; t_mem and t_gen are known this well."""
    threshold: float = 0.95
    """P: the accuracy that counts as memorised (train) and generalised (test)."""
    checkpoint_every: int = 1000
    """Weights are kept at every multiple of this step, and at the last step."""
    early_checkpoint_every: int = 100
    """The same, up to `early_until`: a ticket's whole life is there."""
    early_until: int = 2000

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
        """Whether the weights at `step` are kept whatever the arm does."""
        early = step <= self.early_until and step % self.early_checkpoint_every == 0
        return early or step % self.checkpoint_every == 0


@dataclass(frozen=True)
class Criterion:
    """What counts as memorised and generalised: a pair of curves and the level they have to reach."""

    train: str
    test: str
    level: float
    direction: Literal["up", "down"]

    @property
    def quantity(self) -> str:
        """What the curves are of: `accuracy` or `loss`."""
        return "accuracy" if self.direction == "up" else "loss"

    def met(self, value: float) -> bool:
        """Whether a value is at the level or beyond it."""
        return bool(value >= self.level if self.direction == "up" else value <= self.level)

    def times(self, metrics: pd.DataFrame) -> GrokkingTimes:
        """t_mem and t_gen from an arm's metrics; of t_gen nothing is known without a test set."""
        step, train, test = (np.asarray(metrics[name]) for name in ("step", self.train, self.test))
        if np.isnan(test).all():
            t_mem = first_crossing(step, train, self.level, self.direction)
            return GrokkingTimes(t_mem, t_gen=Crossing(last_before=None, at=None, budget=0))
        return grokking_times(step, train, test, self.level, self.direction)


@dataclass(frozen=True)
class Setting:
    """What one arm is trained on and by: the recipe's task, model and optimizer, or its own."""

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
        """Accuracy above the threshold; for a task without classes, loss below its own threshold."""
        if self.task.loss_threshold is None:
            return Criterion("train_acc", "test_acc", self.threshold, "up")
        return Criterion("train_loss", "test_loss", self.task.loss_threshold, "down")

    def examples(self) -> Dataset:
        """The task's examples, those that the model cannot tell apart as one."""
        data = self.task.build()
        return data.unordered() if self.model.symmetric else data

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every weight by name, in the order of the forward pass."""
        return self.model.shapes(self.task.n_inputs, self.task.n_outputs)


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What arms that prune share, unless they say otherwise."""

    sparsity: float = 0.6
    """Fraction of the prunable weights removed: the paper's prune rate."""
    scope: Literal["global", "layer"] = "global"
    """Whether one threshold serves all weights or each matrix is pruned to the same sparsity."""
    min_per_layer: int = 0
    """Every weight matrix keeps at least so many entries; one that would keep none is refused."""
    require_generalised: bool = True
    """Refuse to take a ticket from a network that has not generalised: the arm is then skipped, with the
    reason on disk. False takes it anyway, and its record says so."""

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)
        require(self.min_per_layer >= 0, "min_per_layer", "a whole number from 0", self.min_per_layer)
