"""Arm of a recipe: how one network is pruned, started and trained, and its role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from training.config.settings import CheckpointGrid
from training.models.base import Model
from training.optimization.events.base import Event
from training.optimization.optimizers.base import Optimizer
from training.optimization.parametrizations.registry import PARAMETRIZATIONS
from training.pruning.registry import METHODS, STARTS
from training.schema.validation import OMITTED_AT_DEFAULT, names, require, require_positive
from training.tasks.dataset import Task

Role = Literal["dense", "ticket", "control", "variant"]


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Rule that ends an arm once its four curves are flat over a window.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (rule of the published code; the defaults are its numbers).
    """

    from_step: int = 10_000
    """First step at which the curves are checked."""
    window: int = 1000
    """Window length in steps; checked once per window."""
    loss: float = 1e-3
    """A loss is flat if its maximum and minimum differ by less."""
    accuracy: float = 0.005
    """An accuracy is flat if its maximum and minimum differ by less."""

    def __post_init__(self) -> None:
        require(self.from_step >= 0, "from_step", "a whole number from 0", self.from_step)
        require(self.window >= 1, "window", "a whole number from 1", self.window)
        for name in ("loss", "accuracy"):
            require_positive(name, getattr(self, name))

    def is_flat(self, evaluations: Sequence[np.ndarray] | np.ndarray) -> bool:
        """Return True if a window ends with the last evaluation in which all four curves are flat.

        A curve that is not measured (NaN) is flat.

        Parameters
        ----------
        evaluations : sequence of array
            A row per evaluation: step, losses, accuracies; more columns are not read.
        """
        step = evaluations[-1][0]
        if step < self.from_step or step % self.window:
            return False
        recent = np.array([row[1:5] for row in evaluations if row[0] > step - self.window])
        return not (np.ptp(recent, axis=0) >= np.repeat([self.loss, self.accuracy], 2)).any()


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One trained network per seed: how it is pruned, started and trained.

    Training ends once `min_steps` are done and `settle_steps` have passed since the test accuracy first
    reached `measure.stop_threshold`, or once the curves are flat by `plateau`, and at `max_steps` at the
    latest.
    """

    method: str = "none"
    """Pruning method, a key of `METHODS`; `none`: a dense network."""
    source: str | None = None
    """Arm that is trained first, and that the method, the start or `from_step` reads."""
    source_step: int | None = None
    """Checkpoint of the source that the method reads; by default the last one."""
    layers: Mapping[str, str] | None = None
    """For `elastic`: by layer of this arm, the source's layer that it copies."""
    task: Task | None = None
    """Task of this arm; fields that it lacks are the recipe's."""
    model: Model | None = None
    """Model of this arm; fields that it lacks are the recipe's."""
    sparsity: float | None = None
    """Sparsity of this arm; by default the recipe's `pruning.sparsity`."""
    scope: Literal["global", "layer"] | None = None
    """Scope of this arm's scores; by default the recipe's `pruning.scope`. Trained scores choose by layer."""
    start: str = "rewind"
    """Initial weights, a key of `STARTS`; by default θ₀."""
    norm_scope: Literal["global", "mean_per_tensor"] = "global"
    """For norm-controlled starts: one ratio over all weights, or the mean of every matrix's ratio."""
    from_step: int | None = None
    """Start from this checkpoint of the lineage's first arm (the dense network), in place of θ₀."""
    moments: Literal["zero", "keep"] = field(default="zero", metadata=OMITTED_AT_DEFAULT)
    """Optimizer at `from_step`: restarted, or as it was there, by a replay of that network's training."""
    form: str = "weights"
    """Parametrization, a key of `PARAMETRIZATIONS`: trained weights, a tangent, or trained scores.

    A tangent's losses and accuracies are those of the network linearized at its start.
    """
    train_weights: bool = False
    """For trained scores: train the chosen weights too."""
    optimizer: Optimizer | None = None
    """Optimizer of this arm; fields that it lacks are the recipe's."""
    min_steps: int = 0
    """Steps trained at least."""
    max_steps: int = 30_000
    """Steps trained at most."""
    settle_steps: int = 1000
    """Steps trained after the network has generalised."""
    checkpoints: tuple[CheckpointGrid, ...] | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """Grids of this arm's checkpoints; by default the recipe's `measure.checkpoints`."""
    plateau: Plateau | None = None
    """Rule that ends the arm on flat curves, even before `min_steps`; by default none does."""
    events: tuple[Event, ...] = field(default=(), metadata=OMITTED_AT_DEFAULT)
    """Changes in the middle of the training, each an entry with a `name` of `EVENTS`."""
    role: Role | None = field(default=None, metadata=OMITTED_AT_DEFAULT)
    """Role in comparisons; by default computed from method, source and start. It affects no result."""

    def __post_init__(self) -> None:
        require(self.form in PARAMETRIZATIONS, "form", f"one of {names(PARAMETRIZATIONS)}", self.form)
        sparsity = 0.5 if self.sparsity is None else self.sparsity
        require(0 < sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)
        for name in ("min_steps", "settle_steps", "max_steps"):
            require(getattr(self, name) >= 0, name, "a whole number from 0", getattr(self, name))
        at_least = f"at least min_steps = {self.min_steps}"
        require(self.max_steps >= self.min_steps, "max_steps", at_least, self.max_steps)

    def has_settled(self, step: int, generalised_at: int | None) -> bool:
        """Return True if an arm ends at a step by `min_steps` and `settle_steps`."""
        return (
            generalised_at is not None
            and step >= generalised_at + self.settle_steps
            and step >= self.min_steps
        )

    @property
    def has_method(self) -> bool:
        """Return True if a pruning method makes a mask."""
        return self.method != "none"

    @property
    def trains_scores(self) -> bool:
        """Return True if trained scores choose the kept weights."""
        return PARAMETRIZATIONS[self.form].trains_scores

    @property
    def prunes(self) -> bool:
        """Return True if the arm has a mask, by method or trained scores."""
        return self.has_method or self.trains_scores

    @property
    def arms_read(self) -> tuple[str, ...]:
        """Return the other arms that this one needs, its source first."""
        of_events = (name for event in self.events for name in event.arms_read())
        return tuple(dict.fromkeys([*([] if self.source is None else [self.source]), *of_events]))

    @property
    def reads_weights(self) -> bool:
        """Return True if the method reads trained weights of the source."""
        return self.has_method and METHODS[self.method].source == "weights"

    @property
    def derives_mask(self) -> bool:
        """Return True if the method makes its mask from the source's mask."""
        return self.has_method and METHODS[self.method].source == "mask"

    @property
    def reads_mask(self) -> bool:
        """Return True if the method or the start reads the source's mask."""
        return self.derives_mask or (not self.has_method and STARTS[self.start].needs_mask)

    @property
    def takes_layers(self) -> bool:
        """Return True if the arm has to map its layers to its source's."""
        return self.has_method and METHODS[self.method].takes_layers

    @property
    def takes_scope(self) -> bool:
        """Return True if the method ranks scores, so a scope can be set."""
        return self.has_method and not self.derives_mask

    @property
    def takes_sparsity(self) -> bool:
        """Return True if a sparsity can be set."""
        return self.takes_scope or PARAMETRIZATIONS[self.form].takes_sparsity


def role_of(arm: Arm) -> Role:
    """Return an arm's role, computed unless the recipe names one.

    Returns
    -------
    {"dense", "ticket", "control", "variant"}
        - dense: no mask, its own initial weights.
        - ticket: a mask from a trained network on its own initial weights. Those of a later step of its dense
          network count too (`from_step`: iterative pruning rewinds to step k).
        - control: lacks one property of a ticket. Either the mask is not from a trained network (random,
          shuffled, scored at initialization), or the start is not its own, or only the ticket's norm is left.
        - variant: anything else: trained scores, tangents, events, copied layers, two properties missing.
    """
    if arm.role is not None:
        return arm.role
    if arm.events or PARAMETRIZATIONS[arm.form].is_variant:
        return "variant"
    start = STARTS[arm.start]
    if not arm.has_method:
        if start.needs_mask:
            return "control"
        return "dense" if start.keeps_weights and arm.from_step is None else "variant"
    method = METHODS[arm.method]
    if method.takes_layers:
        return "variant"
    if method.source == "weights" and not method.scores_start and arm.source_step != 0:
        return "ticket" if start.keeps_weights else "control"
    return "control" if start.keeps_weights else "variant"
