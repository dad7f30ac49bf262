"""Tasks run side by side, each in a process with a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from figures.pipeline.cost_model import training_cost
from figures.pipeline.freshness import Folder
from figures.pipeline.plan import Task
from figures.pipeline.trainings import Trainings
from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.runs.file_lock import LOCK, Claims, acquired

POLL_SECONDS = 0.1


class TaskRunner:
    """Tasks of a plan, run in dependency order and otherwise in their own.

    Parameters
    ----------
    folder : Folder
        Runs, and the figures' folder, which has the logs.
    ended : callable
        Called with every task that has succeeded and the core-seconds it took.
    """

    def __init__(
        self, tasks: Iterable[Task], cores: int, folder: Folder, ended: Callable[[Task, float], None]
    ):
        from tqdm import tqdm

        self.folder, self.logs = folder, folder.figures / "logs"
        self.waiting = {task.name: task for task in tasks}
        self.running: dict[str, RunningTask] = {}
        self.not_done: dict[str, Task] = {}
        """Tasks that failed, and tasks that depend on them."""
        self.cores, self.ended = cores, ended
        self.expected = self.spent = 0.0  # of what is done, in core-seconds
        self.n_ended, self.n = 0, len(self.waiting)
        form = "{percentage:3.0f}%|{bar}| {elapsed}, {remaining} left: {desc}"
        self.bar = tqdm(total=1.0, disable=None, smoothing=0, bar_format=form)

    def run(self, claims: Claims) -> None:
        """Run all tasks, each with a claim of its own.

        Raises
        ------
        Interrupted
            After a signal, once every process has saved what it has.
        """
        with stop_requests() as stopping:
            recipes = [task.recipe for task in self.waiting.values() if task.recipe is not None]
            trainings = Trainings(recipes, self.folder, self.cores, claims, stopping)
            try:
                while (self.running or self.waiting) and not stopping:
                    self._collect()
                    self._collect_trainings(trainings)
                    self._start(claims, trainings)
                    trainings.advance(self._n_free(trainings))
                    self._show(trainings)
                    time.sleep(POLL_SECONDS)
            finally:
                self.bar.close()
                for running in self.running.values():
                    interrupt(running.process)
                trainings.stop()
                for running in self.running.values():
                    running.process.wait()
            if stopping:
                raise Interrupted

    def _n_free(self, trainings: Trainings) -> int:
        """Return the number of cores that neither commands nor networks use."""
        return max(0, self.cores - trainings.cores - sum(running.cores for running in self.running.values()))

    def _start(self, claims: Claims, trainings: Trainings) -> None:
        """Start commands that are ready on free cores; they come before networks."""
        for task in [task for task in self.waiting.values() if task.recipe is None]:
            free = self._n_free(trainings)
            if not free:
                return
            if task.after & self.not_done.keys():
                self.not_done[task.name] = self.waiting.pop(task.name)
            elif not task.after & (self.waiting.keys() | self.running.keys()):
                self.running[task.name] = RunningTask(self.waiting.pop(task.name), free, self.logs, claims)

    def _collect(self) -> None:
        for name, running in list(self.running.items()):
            code = running.process.poll()
            if code is None:
                continue
            del self.running[name]
            self.n_ended += 1
            if code:
                self.not_done[name] = running.task
                self._say(f"failed: {name}: {running.last_line()} (log: {running.log})", always=True)
                continue
            self.expected += running.task.core_seconds
            self.spent += running.core_seconds()
            self.ended(running.task, running.core_seconds())
            self._say(f"{name}: {running.seconds():.0f} s ({self.n_ended} of {self.n})")

    def _collect_trainings(self, trainings: Trainings) -> None:
        """Take the recipes that are trained, or have failed."""
        while trainings.ended:
            recipe = trainings.ended.pop(0)
            task = self.waiting.pop(f"training {recipe}")
            self.n_ended += 1
            if (failure := trainings.failures.get(recipe)) is not None:
                self.not_done[task.name] = task
                self._say(f"failed: {task.name}: {failure}", always=True)
                continue
            core_seconds = training_cost(self.folder, recipe)
            self.expected += task.core_seconds
            self.spent += core_seconds
            self.ended(task, core_seconds)
            self._say(f"{task.name}: {core_seconds:.0f} s of a core ({self.n_ended} of {self.n})")

    def _say(self, line: str, always: bool = False) -> None:
        if self.bar.disable:
            print(line, file=sys.stderr, flush=True)
        elif always:
            self.bar.write(line, file=sys.stderr)

    def _show(self, trainings: Trainings) -> None:
        """Redraw the bar.

        A running command counts by its time, at this machine's pace so far, a training by its networks.
        """
        pace = self.expected / self.spent if self.spent else 1.0
        running_tasks = [running.task for running in self.running.values()]
        parts = [
            min(pace * running.core_seconds(), 0.95 * running.task.core_seconds)
            for running in self.running.values()
        ]
        shares = {f"training {recipe}": share for recipe, share in trainings.shares_done().items()}
        parts += [share * self.waiting[name].core_seconds for name, share in shares.items()]
        self.bar.total = self.expected + sum(t.core_seconds for t in (*running_tasks, *self.waiting.values()))
        self.bar.n = self.expected + sum(parts)
        names = [*(task.name for task in running_tasks), *list(shares)[: trainings.cores]]
        self.bar.set_description_str(", ".join(names), refresh=False)
        self.bar.refresh()


class RunningTask:
    """Process of a task, on the free cores that it can use."""

    def __init__(self, task: Task, n_free: int, logs: Path, claims: Claims):
        self.task, self.cores = task, task.cores(n_free)
        name = task.name.replace(" ", "_")
        self.log = logs / f"{name}.log"
        self.begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                task.started_with(self.cores),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which passes it on once
                env=os.environ | claims.environment(name),
            )

    def seconds(self) -> float:
        """Return the wall time since its start."""
        return time.monotonic() - self.begun

    def core_seconds(self) -> float:
        """Return its wall time × its cores."""
        return self.seconds() * self.cores

    def last_line(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("error: ") if lines else f"exit code {self.process.returncode}"


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to save what it has and end."""
    if os.name == "posix":
        process.send_signal(signal.SIGINT)
    else:
        process.terminate()


@contextmanager
def held(logs: Path) -> Iterator[Claims]:
    """Hold the folder of logs, once nothing else is running there.

    Another start, and the tasks that a killed one has left running, are waited for.

    Yields
    ------
    Claims
        For the tasks that are started in the meantime.
    """
    logs.mkdir(parents=True, exist_ok=True)
    lock = acquired(logs / LOCK, wait=False)
    if lock is None:
        _tell_waiting(logs)
        lock = acquired(logs / LOCK)
    assert lock is not None
    try:
        claims = Claims(logs / "claims")
        if claims.held_by_others():
            _tell_waiting(logs)
        claims.wait_for_others()
        yield claims
    finally:
        lock.release()


def _tell_waiting(logs: Path) -> None:
    print(f"waiting for tasks that another start runs in {logs.parent}", file=sys.stderr, flush=True)
