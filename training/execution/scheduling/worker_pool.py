"""Worker processes that train the networks of a queue; they stop cleanly.

The parent never imports torch; each worker has one thread. On a CPU every network is a task of its own; on a
GPU one worker trains all that are ready and alike as one batch, and takes more as they become ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from multiprocessing.connection import wait
from typing import Any

from training.cli.parser import Interrupted
from training.cli.stop_signals import stop_requests
from training.execution.arms.jobs import ArmTask, Channel
from training.execution.identity.device import prepare_process, resolve_device
from training.execution.scheduling.arm_queue import ArmQueue
from training.execution.scheduling.noting_channel import noted
from training.execution.scheduling.worker_process import Worker

POLL_SECONDS = 0.2
"""Longest wait for a message before stop signals are looked at."""


def launch(queue: ArmQueue, device: str, workers: int, on_device: Callable[[str], None]) -> None:
    """Train the networks of a queue by worker processes.

    Parameters
    ----------
    device : str
        `auto` is resolved by a worker, which has torch.
    on_device : callable
        Called with the resolved device.

    Raises
    ------
    Interrupted
        After a stop signal, once every worker has saved its state.
    ConfigError
        If this machine does not have the device.
    """
    with stop_requests() as requests, ExitStack() as processes:
        pool = WorkerPool(queue, requests, processes)
        device = pool.resolve(device)
        on_device(device)
        pool.train(workers)
    if requests:
        raise Interrupted


class WorkerPool:
    """Workers of one launch, and the networks that each trains.

    Parameters
    ----------
    requests : list
        Not empty once training has to stop.
    processes : ExitStack
        Closes the workers at the end.
    claim : callable, optional
        Returns the environment in which a worker of a name holds its claim.
    """

    def __init__(
        self,
        queue: ArmQueue,
        requests: list[int],
        processes: ExitStack,
        claim: Callable[[str], Mapping[str, str]] = lambda _: {},
    ):
        self.queue, self.requests, self.processes, self.claim = queue, requests, processes, claim
        self.device, self.is_batched = "", False
        self._n_workers = 0
        self.running: dict[Worker, set[int]] = {}
        """Networks of every working worker, by number."""
        self.idle = [self._worker()]
        self._stopped: set[Worker] = set()

    def resolve(self, device: str) -> str:
        """Return the device to train on, resolved by a worker."""
        worker = self.idle[0]
        worker.start("the check of --device", _resolve, device)
        kind, answer = worker.receive()
        if kind == "failed":
            raise answer
        self.device, self.is_batched = answer, answer != "cpu"
        return answer

    def train(self, n_workers: int) -> None:
        """Train all networks; after a stop request, wait until every worker has saved."""
        while self.running or (self.queue and not self.requests):
            self.start_ready(n_workers)
            self.handle_messages(POLL_SECONDS)

    def start_ready(self, n_workers: int) -> None:
        """Give ready networks to idle workers, of which a GPU has one, or stop all if that was requested."""
        if self.requests:
            self._stop(self.running)
            return
        while len(self.running) < (1 if self.is_batched else n_workers) and (
            tasks := self.queue.next_tasks(self.is_batched)
        ):
            worker = self.idle.pop() if self.idle else self._worker()
            worker.start(", ".join(map(str, tasks)), train_tasks, tasks, self.device)
            self.running[worker] = {task.number for task in tasks}

    def handle_messages(self, timeout: float) -> None:
        """Take the messages of all workers, waiting for the first."""
        ready = wait([worker.pipe for worker in self.running], timeout=timeout)
        for worker in [worker for worker in self.running if worker.pipe in ready]:
            self._handle(worker)

    def finish(self) -> None:
        """Let every worker save its state and end its task."""
        self._stop(list(self.running))
        while self.running:
            self.handle_messages(POLL_SECONDS)

    def _worker(self) -> Worker:
        self._n_workers += 1
        return self.processes.enter_context(closing(Worker(self.claim(f"worker_{self._n_workers}"))))

    def _handle(self, worker: Worker) -> None:
        """Take one message of a worker."""
        kind, answer = worker.receive()
        numbers = self.running[worker]
        if kind == "progress":
            self.queue.report(*answer)
        elif kind == "arm ended":
            numbers.remove(answer)
            batch = self.queue.kind(answer) if numbers else None
            self.queue.ended(answer)
            if batch is not None:
                self._send_more(worker, batch)
        elif kind == "arm failed":
            number, failure = answer
            numbers.remove(number)
            self._fail(number, failure)
        else:
            self._end(worker, None if kind == "ended" else answer)

    def _send_more(self, worker: Worker, batch: Any) -> None:
        """Send a worker the networks that now fit into its batch."""
        if not self.requests and (tasks := self.queue.next_batch(batch)):
            worker.send_more(tasks)
            self.running[worker] |= {task.number for task in tasks}

    def _end(self, worker: Worker, failure: Exception | None) -> None:
        """Take a worker's task as ended, or as failed."""
        numbers = self.running.pop(worker)
        self._stopped.discard(worker)
        if failure is None or isinstance(failure, Interrupted):
            self.idle.append(worker)
            for number in numbers:  # sent when the batch had ended, or saved
                self.queue.put_back(number)
            return
        for number in numbers:
            self._fail(number, failure)

    def _fail(self, number: int, failure: Exception) -> None:
        """Take a network as failed, and stop the workers that train others of its run alone."""
        running = self.queue.failed(number, failure)
        self._stop([worker for worker, numbers in self.running.items() if numbers and numbers <= running])

    def _stop(self, workers: Any) -> None:
        for worker in [worker for worker in workers if worker not in self._stopped]:
            worker.stop()
            self._stopped.add(worker)


def _resolve(device: str, channel: Channel) -> str:
    return resolve_device(device)


def train_tasks(tasks: list[ArmTask], device: str, channel: Channel) -> None:
    """Train networks in a process that is prepared for it."""
    from training.execution.arms.training_loop import train

    prepare_process()
    with noted(channel, tasks) as noting:
        train(tasks, device, noting)
