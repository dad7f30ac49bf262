"""Workers of a cluster: calls are carried out in its jobs, by Parsl."""

from __future__ import annotations

import math
import pickle
import queue
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from training.execution.arms.jobs import ArmTask
from training.execution.cluster.parsl_config import cluster_of
from training.execution.scheduling.executor import LAST, Call, Executor, Message
from training.execution.scheduling.remote_call import STOP, TOKEN, Terms, carry_out
from training.runs.atomic_files import RunError
from training.runs.file_lock import LOCK, acquired, is_held
from training.runs.worker_notes import read_notes
from training.schema.code_digest import packages_digest
from training.schema.plugins import loaded_plugins
from training.schema.validation import ConfigError, require

if TYPE_CHECKING:
    from concurrent.futures import Future

    from training.execution.cluster.parsl_config import Cluster

FOLDER = ".cluster"
"""Folder beside the runs in which every driver has one of its own."""
NOTE_SECONDS = 2.0
"""Wall time between two looks at the workers' notes."""
WAIT_SECONDS = 20.0
"""Wall time without a worker after which it is said that there is none yet."""
STOP_SECONDS = 30.0
"""Wall time after which a stopped call is given up; its job's end stops it again."""


class ClusterWorkers(Executor):
    """Workers in a cluster's jobs. No job is asked for before the first call.

    Parameters
    ----------
    cluster : Cluster
        The jobs' settings.
    root : Path
        Folder of the runs, which all machines see.
    """

    most_cores, is_of_many_machines, takes_more = 1, True, False

    def __init__(self, cluster: Cluster, folder: Path):
        self.cluster, self.folder = cluster, folder
        self.n_places = self.n_batches = cluster.n_workers
        self._lock = acquired(folder / LOCK)
        self._calls: dict[int, Call] = {}
        self._n_calls = 0
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stopped: dict[int, float] = {}
        self._noted = time.monotonic()
        self._steps: dict[int, int] = {}
        """Last step of every network that a note has told."""
        self._told_waiting_at: float | None = None
        """When to say that no worker has come, by the monotonic clock."""
        self._kernel: Any = None
        self._pool: Any = None
        self.terms = Terms(
            folder, secrets.token_hex(8), Path.cwd(), packages_digest(), tuple(loaded_plugins())
        )
        (folder / TOKEN).write_text(self.terms.token)

    @classmethod
    def of(cls, executor: str, root: Path) -> ClusterWorkers:
        """Return the workers that `--executor` names: `slurm`, or a file with a Parsl config."""
        parent = root.absolute() / FOLDER
        folder = parent / secrets.token_hex(4)
        cluster = cluster_of(executor, folder)
        folder.mkdir(parents=True)
        _delete_left_folders(parent)
        return cls(cluster, folder)

    def resolve(self, device: str) -> str:
        """Return the device: that of the cluster's workers."""
        default = "cuda" if self.cluster.is_gpu else "cpu"
        require(device in ("auto", default), "--device", f"auto or {default} on {self.cluster.name}", device)
        return default

    def begin(self, call: Call) -> int:
        """Hand a call to Parsl."""
        if self._pool is None:
            self._start()
        self._n_calls += 1
        number = self._n_calls
        self._calls[number] = call
        content = pickle.dumps((call.function, call.args))
        future = self._pool.submit(carry_out, self.terms, number, content)
        future.add_done_callback(lambda done: self._take(number, done))
        return number

    def send_more(self, call: int, tasks: Sequence[ArmTask]) -> None:
        """Refuse: a call's networks are those that it began with."""
        raise NotImplementedError

    def stop(self, call: int) -> None:
        """Ask a call to save what it has and end; one that no worker has taken ends at once."""
        self._stopped[call] = time.monotonic()
        (self.folder / f"{STOP}_{call}").touch()

    def messages(self, timeout: float) -> list[Message]:
        """Return what workers have told, in results and in notes."""
        told: list[Message] = []
        with suppress(queue.Empty):
            told.append(self._inbox.get(timeout=timeout))
            while True:
                told.append(self._inbox.get_nowait())
        if time.monotonic() - self._noted > NOTE_SECONDS:
            told += self._progress()
            self._tell_waiting()
        current = []
        for message in [*told, *self._given_up()]:
            if message.call not in self._calls:  # it has ended, or was given up
                continue
            current.append(message)
            if message.kind in LAST:
                del self._calls[message.call]
                if self._stopped.pop(message.call, None) is not None:
                    (self.folder / f"{STOP}_{message.call}").unlink(missing_ok=True)
        return current

    def close(self) -> None:
        """End all jobs, and delete the folder; after jobs without workers it stays until the next start."""
        (self.folder / STOP).touch()
        is_needed = False  # for the jobs' output, which the error names
        if self._kernel is not None:
            is_needed = self.cluster.executor.bad_state_is_set
            self._kernel.cleanup()
        assert self._lock is not None
        self._lock.release()
        if not is_needed:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        """Start Parsl, which asks for jobs as there are calls."""
        from parsl.concurrent import ParslPoolExecutor
        from parsl.dataflow.dflow import DataFlowKernel

        tqdm.write(
            f"{self.cluster.name}: up to {self.n_places} workers; logs: {self.folder}", file=sys.stderr
        )
        self._kernel = DataFlowKernel(self.cluster.config)
        self._pool = ParslPoolExecutor(dfk=self._kernel)
        self._told_waiting_at = time.monotonic() + WAIT_SECONDS

    def _tell_waiting(self) -> None:
        """Say once that no worker has come yet, if it takes long."""
        if self._told_waiting_at is not None and time.monotonic() > self._told_waiting_at:
            self._told_waiting_at = None
            if not self._has_workers():
                tqdm.write(
                    f"{self.cluster.name}: no worker yet: its jobs wait for their turn", file=sys.stderr
                )

    def _has_workers(self) -> bool:
        return self._kernel is not None and bool(self.cluster.executor.connected_managers())

    def _take(self, number: int, done: Future[list[tuple[str, Any]]]) -> None:
        """Take a call's result from Parsl, in a thread of Parsl's."""
        error = done.exception()
        if error is None:
            for kind, content in done.result():
                self._inbox.put(Message(number, kind, content))
        else:
            self._inbox.put(Message(number, *_read_error(error)))

    def _progress(self) -> list[Message]:
        """Return the steps of networks that workers' notes tell."""
        self._noted = time.monotonic()
        places = {
            (str(task.run.path), task.job.arm, task.job.seed): (number, task)
            for number, call in self._calls.items()
            for task in call.tasks
        }
        runs = {path: task.run for (path, _, _), (_, task) in places.items()}
        told = [
            (*places[path, arm.arm, arm.seed], arm)
            for path, run in runs.items()
            for note in read_notes(run)
            for arm in note.arms
            if (path, arm.arm, arm.seed) in places
        ]
        messages = []
        for number, task, arm in told:
            if arm.step is not None and arm.step > self._steps.get(task.number, -1):
                self._steps[task.number] = arm.step
                accuracy = math.nan if arm.test_acc is None else arm.test_acc
                messages.append(Message(number, "progress", (task.number, arm.step, accuracy)))
        return messages

    def _given_up(self) -> list[Message]:
        """Return the ends of stopped calls that no worker has, or that do not answer."""
        if not self._stopped:
            return []
        has_workers = self._has_workers()
        late = time.monotonic() - STOP_SECONDS
        return [
            Message(number, "ended", None)
            for number, since in self._stopped.items()
            if not has_workers or since < late
        ]


def _read_error(error: BaseException) -> tuple[str, Exception]:
    """Return the message that a call's error under Parsl stands for: its kind and content."""
    from parsl.executors.errors import BadStateException
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    text = " ".join(str(error).split())
    if isinstance(error, WorkerLost | ManagerLost):
        return "lost", RunError(
            f"its worker was lost again and again ({text}); run the command again to resume"
        )
    if isinstance(error, BadStateException):
        return "failed", RunError(f"the cluster's workers did not start: {text}")
    if isinstance(error, ImportError):
        return "failed", ConfigError(f"a worker does not find this project's code: {text}")
    return "failed", RunError(f"Parsl: {type(error).__name__}: {text}")


def _delete_left_folders(parent: Path) -> None:
    """Delete the folders of drivers that were killed; what still works for them stops by that."""
    for folder in parent.iterdir():
        if (folder / TOKEN).exists() and not is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
