"""Worker processes of this machine, each with one thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from multiprocessing.connection import wait

from training.execution.arms.jobs import ArmTask, Channel
from training.execution.identity.device import resolve_device
from training.execution.scheduling.executor import LAST, Call, Executor, Message
from training.execution.scheduling.worker_process import Worker


class LocalWorkers(Executor):
    """Workers that wait for calls; each is started when it is first needed.

    A worker's death is a failure of its call: on one machine it has a cause, such as a lack of memory, that
    would stay.

    Parameters
    ----------
    n_workers : int
        Calls at a time. A GPU trains one batch of networks at a time, whatever their number.
    claim : callable, optional
        Returns the environment in which a worker of a name holds its claim.
    """

    n_batches, is_of_many_machines, takes_more = 1, False, True

    def __init__(self, n_workers: int, claim: Callable[[str], Mapping[str, str]] = lambda _: {}):
        self.n_places = self.most_cores = n_workers
        self.claim = claim
        self._n_workers = 0
        self._processes = ExitStack()
        self._idle: list[Worker] = []
        self._calls: dict[int, Worker] = {}
        self._n_calls = 0

    def resolve(self, device: str) -> str:
        """Return the device to train on, resolved by a worker, which has torch."""
        worker = self._worker()
        worker.start("the check of --device", _resolve, device)
        kind, answer = worker.receive()
        if kind == "failed":
            raise answer
        self._idle.append(worker)
        return answer

    def begin(self, call: Call) -> int:
        """Begin a call in an idle worker, or in a new one."""
        self._n_calls += 1
        worker = self._worker()
        worker.start(call.name, call.function, *call.args)
        self._calls[self._n_calls] = worker
        return self._n_calls

    def send_more(self, call: int, tasks: Sequence[ArmTask]) -> None:
        """Send a call networks to train along."""
        self._calls[call].send_more(tasks)

    def stop(self, call: int) -> None:
        """Ask a call to save what it has and end."""
        self._calls[call].stop()

    def messages(self, timeout: float) -> list[Message]:
        """Return a message of every call that has one."""
        pipes = {worker.pipe: number for number, worker in self._calls.items()}
        messages = []
        for pipe in wait(list(pipes), timeout=timeout):
            number = pipes[pipe]  # type: ignore[index]
            kind, content = self._calls[number].receive()
            messages.append(Message(number, kind, content))
            if kind in LAST:
                worker = self._calls.pop(number)
                if not worker.is_gone:
                    self._idle.append(worker)
        return messages

    def close(self) -> None:
        """Let every worker save its call and end, and wait for it."""
        self._processes.close()

    def _worker(self) -> Worker:
        """Return an idle worker, or a new one."""
        if self._idle:
            return self._idle.pop()
        self._n_workers += 1
        return self._processes.enter_context(closing(Worker(self.claim(f"worker_{self._n_workers}"))))


def _resolve(device: str, channel: Channel) -> str:
    return resolve_device(device)
