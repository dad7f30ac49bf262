"""Channel that also notes in the run's folder what this process trains (`training.runs.worker_notes`)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from training.execution.arms.jobs import ArmTask, Channel
from training.runs.run_directory import RunDir
from training.runs.worker_notes import ArmNote, WorkerNote, delete_note, this_worker, write_note

NOTE_SECONDS = 2.0
"""Wall time between two notes of a process."""


class Notebook:
    """Notes that this process has written, and when.

    One process has one: short networks, of which it ends many a second, share a note every two seconds.
    """

    def __init__(self) -> None:
        self.began = time.time()
        self.next_at = -math.inf
        """Time of the next note, on the monotonic clock."""
        self.runs: dict[str, RunDir] = {}
        """Runs that hold a note of this process, by their path."""

    def write(self, arms_by_run: dict[str, tuple[RunDir, list[ArmNote]]]) -> None:
        """Replace the notes of all runs; an error is not the training's, and says nothing."""
        self.next_at = time.monotonic() + NOTE_SECONDS
        worker = this_worker()
        for path in [path for path in self.runs if path not in arms_by_run]:
            delete_note(self.runs.pop(path), worker)
        for path, (run, arms) in arms_by_run.items():
            self.runs[path] = run
            with suppress(OSError):
                write_note(run, WorkerNote(worker, time.time(), self.began, tuple(arms)))

    def clear(self) -> None:
        """Delete this process' notes."""
        worker = this_worker()
        while self.runs:
            delete_note(self.runs.popitem()[1], worker)
        self.next_at = -math.inf


NOTEBOOK = Notebook()


@contextmanager
def noted(channel: Channel, tasks: Sequence[ArmTask], notebook: Notebook = NOTEBOOK) -> Iterator[Channel]:
    """Note what this process trains, as long as it does.

    After a training that ended well the note stays for the next one; a run that ends deletes it
    (`delete_ended_notes`).

    Parameters
    ----------
    channel : Channel
        To which everything is passed on.
    tasks : sequence of ArmTask
        Networks to begin with.
    """
    try:
        yield NotingChannel(channel, tasks, notebook)
    except BaseException:
        notebook.clear()
        raise


@dataclass
class _Progress:
    """One network since this process has taken it."""

    task: ArmTask
    began: float
    step: int | None = None
    test_acc: float = math.nan
    at: float = 0.0
    """Time of the last evaluation, on the monotonic clock."""
    first_step: int = 0
    first_at: float = 0.0

    def note(self) -> ArmNote:
        """Return what is known of the network now."""
        seconds = self.at - self.first_at
        rate = None if self.step is None or seconds <= 0 else (self.step - self.first_step) / seconds
        test_acc = None if math.isnan(self.test_acc) else self.test_acc
        job, start = self.task.job, self.task.start.id
        return ArmNote(job.arm, job.seed, start, self.step, test_acc, self.began, rate)


class NotingChannel(Channel):
    """Channel that passes everything on, and writes this process' note every two seconds.

    Parameters
    ----------
    tasks : sequence of ArmTask
        Networks to begin with.
    notebook : Notebook
        Of this process.
    """

    def __init__(self, channel: Channel, tasks: Sequence[ArmTask], notebook: Notebook):
        self.channel, self.notebook = channel, notebook
        self.on_evaluation = channel.on_evaluation
        self._arms: dict[int, _Progress] = {}
        self._take(tasks)
        self._note()

    def report(self, task: ArmTask, step: int, test_acc: float) -> None:
        """Pass on a network's step and test accuracy."""
        now = time.monotonic()
        arm = self._arms.get(task.number)
        if arm is not None:
            if arm.step is None or step < arm.step:  # less memory than thought: from the saved state
                arm.first_step, arm.first_at = step, now
            arm.step, arm.test_acc, arm.at = step, test_acc, now
        self.channel.report(task, step, test_acc)
        if now >= self.notebook.next_at:
            self._note()

    def ended(self, task: ArmTask, reason: str | None) -> None:
        """Pass on that a network has ended."""
        self._arms.pop(task.number, None)
        self.channel.ended(task, reason)

    def failed(self, task: ArmTask, error: Exception) -> None:
        """Pass on that a network cannot be trained as it is."""
        self._leave(task)
        self.channel.failed(task, error)

    def held(self, task: ArmTask) -> None:
        """Pass on that another process trains a network."""
        self._leave(task)
        self.channel.held(task)

    def more(self) -> Sequence[ArmTask]:
        """Return the networks that are ready since the last call."""
        tasks = self.channel.more()
        self._take(tasks)
        return tasks

    def should_stop(self) -> bool:
        """Return True once states have to be saved."""
        return self.channel.should_stop()

    def _take(self, tasks: Sequence[ArmTask]) -> None:
        for task in tasks:
            self._arms[task.number] = _Progress(task, time.time())

    def _leave(self, task: ArmTask) -> None:
        """Drop a network, and note it now: no file beside it says that it is not trained here any more."""
        self._arms.pop(task.number, None)
        self.notebook.next_at = -math.inf
        self._note()

    def _note(self) -> None:
        """Write a note into every run whose networks are trained here, if one is due."""
        if time.monotonic() < self.notebook.next_at:
            return
        by_run: dict[str, tuple[RunDir, list[ArmNote]]] = {}
        for arm in self._arms.values():
            run = arm.task.run
            by_run.setdefault(str(run.path), (run, []))[1].append(arm.note())
        self.notebook.write(by_run)
