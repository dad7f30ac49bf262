"""Training of the arms that a worker is given, from their start to DONE."""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import torch

from training.cli.parser import Interrupted
from training.execution.arms.added_checkpoints import add_checkpoints
from training.execution.arms.arm_in_training import ArmInTraining, identity
from training.execution.arms.batches import slots_that_fit
from training.execution.arms.device_errors import device_loss_explained
from training.execution.arms.jobs import ArmTask, Channel
from training.execution.arms.kept_moments import with_moments
from training.execution.arms.replay import taken_over
from training.execution.arms.saved_state import resumed_state
from training.execution.arms.slot_training import SlotTraining
from training.execution.arms.sources.reasons import NotTrained
from training.execution.arms.sources.starting_point import starting_point
from training.runs.atomic_files import RunError
from training.runs.file_lock import HeldError
from training.schema.validation import ConfigError

SAVE_SECONDS = 20.0
"""Wall time between two saved states. No result depends on it."""


def train(tasks: Sequence[ArmTask], device: str, channel: Channel) -> None:
    """Train arms, and those that the channel brings meanwhile, and write their directories.

    Each is trained under its lock. An arm that another run has finished by equal code on an equal platform is
    taken from there. On a GPU arms share a batch as large as its memory allows.

    Parameters
    ----------
    tasks : sequence of ArmTask
        Arms of one batch whose sources are done. Finished ones are given the checkpoints that they lack;
        another process may have finished one since this start was planned.

    Raises
    ------
    Interrupted
        If the channel asked to stop before every arm was finished.
    RunError
        If the device was lost; what was saved before stays.
    """
    loop = TrainingLoop(device, channel)
    with device_loss_explained(device), loop.locks:
        loop.train(tasks)


class TrainingLoop:
    """Arms that wait for a slot, and those that are trained.

    Parameters
    ----------
    fit : callable
        Returns how many arms like one fit into the device's memory.
    is_pipelined : bool, optional
        As for `SlotTraining`; by default on every device but the CPU.
    """

    def __init__(
        self,
        device: str,
        channel: Channel,
        fit: Callable[[ArmTask, str], int] = slots_that_fit,
        is_pipelined: bool | None = None,
    ):
        self.device, self.channel, self.fit = device, channel, fit
        self.is_pipelined = device != "cpu" if is_pipelined is None else is_pipelined
        self.waiting: deque[ArmTask] = deque()
        self.training: SlotTraining | None = None
        self.most_slots: int | None = None
        """Arms that fit into the memory at a time."""
        self.locks = ExitStack()
        self._held: dict[int, tuple[ArmTask, ExitStack]] = {}
        """Arms that are opened, by number, with their locks."""

    def train(self, tasks: Sequence[ArmTask]) -> None:
        """Train these arms and those that the channel brings."""
        self.waiting.extend(tasks)
        saved_at = time.monotonic()
        while self.training is not None or self.waiting:
            try:
                self._fill_slots()
                ended = [] if self.training is None else self.training.advance()
            except torch.OutOfMemoryError:
                self._split_batch()
                continue
            for arm in ended:
                self._close(arm.task, arm.reason)
            self.waiting.extend(self.channel.more())
            if self.training is None or not self.training.arms:
                self.training = None
                continue
            stopping = self.channel.should_stop()
            if stopping or time.monotonic() - saved_at > SAVE_SECONDS:
                self.training.save()
                saved_at = time.monotonic()
            if stopping:
                raise Interrupted

    def _fill_slots(self) -> None:
        """Put waiting arms into slots, as many as there are or can be."""
        if self.training is None:
            batch: list[ArmInTraining] = []
            while self.waiting and (self.most_slots is None or len(batch) < self.most_slots):
                if self.most_slots is None:
                    self.most_slots = self.fit(self.waiting[0], self.device)
                if (arm := self._open(self.waiting.popleft())) is not None:
                    batch.append(arm)
            if batch:
                self.training = SlotTraining(
                    batch,
                    self.device,
                    self.channel.report,
                    is_pipelined=self.is_pipelined,
                    on_evaluation=self.channel.on_evaluation,
                )
            return
        assert self.most_slots is not None
        n_arms, n_slots = len(self.training.arms), len(self.training.slots)
        wanted = min(n_arms + len(self.waiting), self.most_slots)
        if wanted > n_slots or 2 * wanted <= n_slots:
            self.training.resize(wanted)
        while self.waiting and len(self.training.arms) < len(self.training.slots):
            if (arm := self._open(self.waiting.popleft())) is not None:
                self.training.add(arm)

    def _open(self, task: ArmTask) -> ArmInTraining | None:
        """Return an arm to train, under its lock; None if it is finished, held, taken over or not trained."""
        lock = self.locks.enter_context(ExitStack())
        self._held[task.number] = (task, lock)
        try:
            lock.enter_context(task.files.locked())
            return self._prepared(task)
        except HeldError:
            self._release(task)
            self.channel.held(task)
        except (RunError, ConfigError, OSError) as error:
            self._release(task)
            self.channel.failed(task, error)
        return None

    def _prepared(self, task: ArmTask) -> ArmInTraining | None:
        if task.files.done() is not None:
            self._close(task, None)
            return None
        here = identity(task, self.device)
        if taken_over(task, here, self.device):
            self._close(task, None)
            return None
        try:
            start = starting_point(task.recipe, task.run, task.job)
        except NotTrained as reason:
            more: dict[str, Any] = {"reason": str(reason), "source_steps": _steps_of(task, task.arm.source)}
            if task.arm.events:
                more["read_steps"] = {name: _steps_of(task, name) for name in task.arm.arms_read}
            task.files.skip(task.record() | here | more)
            self._close(task, str(reason))
            return None
        if not task.files.has_state():
            start = with_moments(task, start, self.device, self.channel.should_stop)
        arm = ArmInTraining(task, start, self.device)
        if arm.files.has_state():
            arm.state = resumed_state(arm)
        return arm

    def _close(self, task: ArmTask, reason: str | None) -> None:
        """Add the checkpoints that a finished arm lacks, free its lock, and tell that it has ended."""
        add_checkpoints(task, self.device, self.channel.should_stop)
        self._release(task)
        self.channel.ended(task, reason)

    def _release(self, task: ArmTask) -> None:
        """Free an arm's lock."""
        _, lock = self._held.pop(task.number)
        lock.close()

    def _split_batch(self) -> None:
        """Go on with half as many slots: the arms wait, and go on from their saved states."""
        assert self.most_slots is not None
        n_slots = self.most_slots if self.training is None else len(self.training.slots)
        if n_slots == 1:
            raise
        tasks = [task for task, _ in self._held.values()]
        for task in tasks:
            self._release(task)
        self.waiting.extendleft(reversed(tasks))
        self.training, self.most_slots = None, n_slots // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        print(
            f"{self.device}: {n_slots} networks do not fit into its memory; {self.most_slots} are trained at "
            "a time",
            file=sys.stderr,
        )


def _steps_of(task: ArmTask, arm: str | None) -> int | None:
    """Return the steps of a finished arm of the task's seed; None without one."""
    done = None if arm is None else task.run.arm(arm, task.job.seed).done()
    return None if done is None else done["steps"]
