"""Schedule arms on worker processes in dependency order; stop cleanly.

The parent never imports torch; each worker has one thread. On a CPU every arm is a task of its own; on a GPU
all arms that are ready and alike are one batched task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from multiprocessing.connection import wait
from typing import Any

from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.execution.arms.jobs import Job, Report
from training.execution.identity.device import prepare_process, resolve_device
from training.execution.identity.start_record import Start
from training.execution.progress import Progress
from training.execution.worker_process import Worker
from training.inspection.arm_status import arm_status
from training.runs.run_directory import RunDir

POLL_SECONDS = 0.2
"""Longest wait for a message before stop signals are looked at."""


def launch(
    recipe: Recipe,
    run: RunDir,
    todo: Sequence[Job],
    device: str,
    workers: int,
    progress: Progress,
    on_device: Callable[[str], None],
    start: Start,
) -> list[tuple[Job, str]]:
    """Train arms, sources first; return those not trained, with the reason.

    Parameters
    ----------
    device : str
        `auto` is resolved by a worker, which has torch.
    on_device : callable
        Called with the resolved device.
    start : Start
        This start: its id, and where finished arms are taken from.

    Raises
    ------
    Interrupted
        After a stop signal, once every worker has saved its state.
    ConfigError
        If this machine does not have the device.
    RunError, OSError
        The first failure of a worker, once the others have saved their states.
    """
    with stop_requests() as requests, ExitStack() as processes:
        scheduler = Scheduler(recipe, run, todo, progress, requests, processes, start)
        device = scheduler.resolve(device)
        on_device(device)
        scheduler.train(device, workers if device == "cpu" else 1)
    if scheduler.failure is not None:
        raise scheduler.failure
    if requests:
        raise Interrupted
    return scheduler.skipped


class Scheduler:
    """Waiting, running and skipped arms of one launch, and its workers.

    Parameters
    ----------
    requests : list
        Not empty once training has to stop.
    processes : ExitStack
        Closes the workers at the end.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: RunDir,
        todo: Sequence[Job],
        progress: Progress,
        requests: list[int],
        processes: ExitStack,
        start: Start,
    ):
        self.recipe, self.run, self.progress, self.start = recipe, run, progress, start
        self.requests, self.processes = requests, processes
        self.waiting = list(todo)
        self.running: dict[Worker, list[Job]] = {}
        self.idle = [self._worker()]
        self.skipped: list[tuple[Job, str]] = []
        self.failure: Exception | None = None

    def resolve(self, device: str) -> str:
        """Return the device, resolved by a worker."""
        worker = self.idle[0]
        worker.start("the check of --device", _resolve, device)
        kind, answer = worker.receive()
        if kind == "failed":
            raise answer
        return answer

    def train(self, device: str, n_workers: int) -> None:
        """Train all arms; after a stop request, wait until every worker has saved."""
        stopped: set[Worker] = set()
        while self.running or (self.waiting and not self.requests):
            while len(self.running) < n_workers and not self.requests and self._start_next(device):
                pass
            for worker in self.running.keys() - stopped if self.requests else ():
                worker.stop()
                stopped.add(worker)
            ready = wait([worker.pipe for worker in self.running], timeout=POLL_SECONDS)
            for worker in [worker for worker in self.running if worker.pipe in ready]:
                self._handle(worker)

    def _worker(self) -> Worker:
        return self.processes.enter_context(closing(Worker()))

    def _start_next(self, device: str) -> bool:
        """Start the next group of arms; False if none is ready."""
        running = {job for group in self.running.values() for job in group}
        group = next_group(self.recipe, self.run, self.waiting, running, batched=device != "cpu")
        if not group:
            return False
        self.waiting = [job for job in self.waiting if job not in group]
        worker = self.idle.pop() if self.idle else self._worker()
        arguments = (self.recipe, self.run, group, device, self.start.of_arms(group))
        worker.start(", ".join(map(str, group)), train_under_locks, *arguments)
        self.running[worker] = group
        return True

    def _handle(self, worker: Worker) -> None:
        """Take one message of a worker."""
        kind, answer = worker.receive()
        if kind == "progress":
            self.progress(*answer)
            return
        for job in self.running.pop(worker):
            self.progress.ended(job)
        if kind == "ended":
            self.skipped += answer
            self.idle.append(worker)
            return
        self.requests.append(0)
        if not isinstance(answer, Interrupted):
            self.failure = self.failure or answer


def next_group(
    recipe: Recipe, run: RunDir, waiting: Sequence[Job], running: set[Job], batched: bool
) -> list[Job]:
    """Return the arms to start next: one that is ready, or all like it."""
    untrained = running | set(waiting)
    ready = []
    for job in waiting:
        source = recipe.arms[job.arm].source
        if source is None or Job(source, job.seed) not in untrained:
            ready.append(job)
    if not batched or not ready:
        return ready[:1]
    kinds = {job: _batch_kind(recipe, run, job) for job in ready}
    return [job for job in ready if kinds[job] == kinds[ready[0]]]


def _batch_kind(recipe: Recipe, run: RunDir, job: Job) -> tuple[Any, ...]:
    """Return what arms of one batch have in common."""
    arm = recipe.arms[job.arm]
    is_begun = _status(recipe, run, job) == "half trained"
    step = run.arm(job.arm, job.seed).state_step() if is_begun else None
    kind = (step, arm.form, recipe.setting(job.arm))
    return (*kind, arm.train_weights, recipe.sparsity(job.arm)) if arm.trains_scores else kind


def _resolve(device: str, report: Any, should_stop: Any) -> str:
    return resolve_device(device)


def train_under_locks(
    recipe: Recipe,
    run: RunDir,
    group: list[Job],
    device: str,
    start: Start,
    report: Report,
    should_stop: Callable[[], bool],
) -> list[tuple[Job, str]]:
    """Train a group of arms, each under its lock."""
    from training.execution.arms.training_loop import train_group

    prepare_process()
    with ExitStack() as locks:
        for job in group:
            locks.enter_context(run.arm(job.arm, job.seed).locked())
        return train_group(recipe, run, group, device, report, should_stop, start)


def _status(recipe: Recipe, run: RunDir, job: Job) -> str:
    return arm_status(run.arm(job.arm, job.seed), arm_record(recipe, job.arm, job.seed))
