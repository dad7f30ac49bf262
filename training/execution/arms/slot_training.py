"""Training of arms in the slots of one engine, each from its own start to its own end."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import torch

from training.execution.arms.arm_in_training import ArmInTraining
from training.execution.arms.jobs import ArmTask, OnEvaluation, Report
from training.execution.arms.saved_state import check_norms, reading_state
from training.execution.arms.sources.starting_point import StartingPoint
from training.models.network import Weights
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.optimization.snapshot import Snapshot

Slots = list[ArmInTraining | None]
"""Arm of each slot; None for an empty one."""


class SlotTraining:
    """Arms trained side by side on one device, each until its own end.

    All have a model, data of one shape and one parametrization (`batches.batch_kind`).

    Parameters
    ----------
    arms : sequence of ArmInTraining
        Arms to begin with, new or to go on from their saved states.
    report : callable
        Called with each arm's task, its step and its test accuracy at every evaluation.
    n_slots : int, optional
        At least one per arm; by default as many as arms.
    is_pipelined : bool
        Take each evaluation while the device trains on to the next one: an arm that has ended by then has had
        steps too many, which no file shows. The slot of an ended arm stays, for another arm. Otherwise an
        evaluation is taken before the next step, and an ended arm's slot is dropped.
    on_evaluation : callable, optional
        Called with copies of each arm's weights and metrics at every evaluation.
    """

    def __init__(
        self,
        arms: Sequence[ArmInTraining],
        device: str,
        report: Report,
        n_slots: int | None = None,
        is_pipelined: bool = False,
        on_evaluation: OnEvaluation | None = None,
    ):
        self.on_evaluation = on_evaluation
        self.report, self.is_pipelined = report, is_pipelined
        tasks, starts = [arm.task for arm in arms], [arm.start for arm in arms]
        self.engine = engine_of(tasks, starts, device, n_slots, takes_masks=is_pipelined)
        self.slots: Slots = list(arms) + [None] * (len(self.engine.ages) - len(arms))
        data = tasks[0].setting.examples()
        # Accuracies are NaN without classes, and so are all metrics of an empty test set.
        test = ["test_loss"] if data.n_train < len(data.inputs) else []
        self.finite = [METRICS.index(name) for name in ("train_loss", "l1", "l2", *test)]
        self._under_way: deque[tuple[Snapshot, Slots]] = deque()
        self._taken: tuple[Snapshot, Slots] | None = None
        for slot in range(len(arms)):
            self._begin(slot)

    @property
    def arms(self) -> list[ArmInTraining]:
        """Arms that are trained now."""
        return [arm for arm in self.slots if arm is not None]

    def add(self, arm: ArmInTraining) -> None:
        """Put an arm into an empty slot."""
        slot = self.slots.index(None)
        self.engine.refill(
            slot,
            arm.task.setting.optimizer,
            arm.task.setting.examples(),
            _tensors(arm.start),
            arm.start.mask,
            parametrization_of([arm.task]),
        )
        self.slots[slot] = arm
        self._begin(slot)

    def resize(self, n_slots: int) -> None:
        """Change the number of slots; every arm stays."""
        slots = [slot for slot, arm in enumerate(self.slots) if arm is not None]
        self._under_way.clear()
        self._is_fresh = True  # what was under way is evaluated again
        self.engine.keep(slots, n_slots)
        self.slots = [self.slots[slot] for slot in slots] + [None] * (n_slots - len(slots))
        self._note_batch()

    def advance(self) -> list[ArmInTraining]:
        """Train to the next evaluation that is due, and return the arms that have ended."""
        due = [
            arm.next_due(age) - age
            for arm, age in zip(self.slots, self.engine.ages, strict=True)
            if arm is not None and age < arm.max_steps
        ]
        if due or self._is_fresh:
            self.engine.run(0 if self._is_fresh else min(due))
            snapshot = self.engine.measured_snapshot(self.is_pipelined, self._checkpointed())
            self._under_way.append((snapshot, list(self.slots)))
            self._is_fresh = False
        ended: list[ArmInTraining] = []
        while len(self._under_way) > (1 if self.is_pipelined and due and not self._is_event_due() else 0):
            ended += self._take(*self._under_way.popleft())
        return ended

    def _is_event_due(self) -> bool:
        """Return True if an evaluation may decide that an event acts before the next step."""
        return any(arm.events is not None and arm.events.is_waiting for arm in self.arms)

    def _checkpointed(self) -> list[int]:
        """Return the slots whose arms have a checkpoint now."""
        return [
            slot
            for slot, (arm, age) in enumerate(zip(self.slots, self.engine.ages, strict=True))
            if arm is not None and arm.is_due(age) and arm.task.recipe.is_checkpoint(arm.task.job.arm, age)
        ]

    def save(self) -> None:
        """Write every arm as last evaluated, its state last."""
        if self._taken is None:
            return
        snapshot, occupants = self._taken
        for slot, arm in enumerate(occupants):
            if arm is not None and arm in self.slots:
                arm.save(snapshot.arm_state(slot))

    def _begin(self, slot: int) -> None:
        """Begin with the arm of a slot, or go on from its saved state."""
        arm = self.slots[slot]
        assert arm is not None
        self.engine.put_events(slot, arm.events)
        if arm.state is not None:
            with reading_state(arm.files):
                self.engine.check_state(arm.state)
                self.engine.restore(slot, arm.state)
        else:
            begin_arm(self.engine, slot, arm.start)
        arm.write_mask()
        self._is_fresh = True
        self._note_batch()

    def _take(self, snapshot: Snapshot, occupants: Slots) -> list[ArmInTraining]:
        """Take an evaluation of all arms that are trained still; empty the slots of those that end."""
        metrics, ended = snapshot.metrics(), []
        for slot, arm in enumerate(occupants):
            if arm is None or self.slots[slot] is not arm:
                continue
            if not self._continues(arm, snapshot, slot, metrics[slot]):
                ended.append(arm)
                self.slots[slot] = None
        if ended:
            self._empty_slots()
        self._taken = (snapshot, occupants if self.is_pipelined else list(self.slots))
        return ended

    def _empty_slots(self) -> None:
        """Let the engine leave the slots of ended arms, or drop them."""
        if self.is_pipelined:
            for slot, arm in enumerate(self.slots):
                if arm is None and self.engine.is_live[slot]:
                    self.engine.release(slot)
        elif self.arms:
            self.resize(len(self.arms))
            self._is_fresh = False
        else:
            self.slots = []

    def _continues(self, arm: ArmInTraining, snapshot: Snapshot, slot: int, values: np.ndarray) -> bool:
        """Take one arm's evaluation, and return True if the arm trains on."""
        step, recipe = snapshot.ages[slot], arm.task.recipe
        if arm.state is not None:  # it goes on from there, and has just been loaded
            arm.state = None
            check_norms(arm, step, values)
            if step < arm.max_steps:
                return True
        elif not arm.is_due(step):
            return True
        if arm.last_evaluated() != step:
            arm.add_evaluation(step, values)
        if not np.isfinite(values[self.finite]).all():
            arm.give_up(f"diverged: a loss or norm is not finite at step {step}")
            return False
        if arm.events is not None and arm.events.failure is not None:
            arm.give_up(arm.events.failure)
            return False
        at_end = arm.is_at_end(step)
        if at_end or recipe.is_checkpoint(arm.task.job.arm, step):
            arm.add_checkpoint(step, snapshot.arm_weights(slot))
        if at_end:
            arm.finish(snapshot.arm_state(slot))
        self.report(arm.task, step, float(values[METRICS.index("test_acc")]))
        if self.on_evaluation is not None:
            self.on_evaluation(arm.evaluated(step, values, snapshot.arm_weights(slot)))
        return not at_end

    def _note_batch(self) -> None:
        """Note in every arm's record from which step it shares a GPU with how many slots."""
        if self.engine.device.type == "cpu":
            return
        for arm, age in zip(self.slots, self.engine.ages, strict=True):
            if arm is not None and (not arm.slots or arm.slots[-1][1] != len(self.slots)):
                arm.slots.append([age, len(self.slots)])


def engine_of(
    tasks: Sequence[ArmTask],
    starts: Sequence[StartingPoint],
    device: str,
    n_slots: int | None = None,
    takes_masks: bool = False,
) -> Engine:
    """Return the engine of arms of one batch, at step 0; slots beyond theirs are empty."""
    setting = tasks[0].setting
    engine = Engine(
        setting.model,
        [task.setting.optimizer for task in tasks],
        [task.setting.examples() for task in tasks],
        [_tensors(start) for start in starts],
        [start.mask for start in starts],
        device,
        parametrization_of(tasks),
        takes_masks=takes_masks,
    )
    if n_slots is not None and n_slots > len(tasks):
        engine.keep(range(len(tasks)), n_slots)
    return engine


def begin_arm(engine: Engine, slot: int, start: StartingPoint) -> None:
    """Give a slot's new arm the moments that it begins with, if it has any."""
    if start.moments is not None:
        engine.take_moments(slot, start.moments, start.updates)


def parametrization_of(tasks: Sequence[ArmTask]) -> ParametrizationSettings:
    """Return the parametrization of arms of one batch."""
    arm = tasks[0].arm
    return ParametrizationSettings(
        name=arm.form,
        densities=[1 - task.recipe.sparsity(task.job.arm) for task in tasks],
        train_weights=arm.train_weights,
        seeds=[task.job.seed for task in tasks],
    )


def _tensors(start: StartingPoint) -> Weights:
    return {name: torch.from_numpy(w) for name, w in start.weights.items()}
