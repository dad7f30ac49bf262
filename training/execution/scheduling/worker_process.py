"""Worker processes, each with one pipe to its parent.

No queue or lock is shared between workers, which a killed one would leave shut for the others. A worker's
death closes its pipe, and the parent's death closes all of them: both sides notice, save and end.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from training.cli.memory_errors import memory_shortage
from training.cli.parser import LESS_MEMORY, Interrupted
from training.cli.spawned_process import SPAWNING
from training.cli.stop_signals import STOP_SIGNALS
from training.execution.arms.jobs import ArmTask, Channel, Report
from training.runs.atomic_files import RunError
from training.runs.file_lock import hold_claim
from training.schema.plugins import PluginError, load_plugins, loaded_plugins
from training.schema.validation import ConfigError

CAN_BLOCK_SIGNALS = hasattr(signal, "pthread_sigmask")
"""False on Windows."""
REPORT_SECONDS = 0.1
"""Wall time between two reports of one arm."""


class Worker:
    """Parent's side of a worker process.

    Parameters
    ----------
    environment : mapping
        Variables of its environment, beside those of this process.
    """

    def __init__(self, environment: Mapping[str, str]):
        self.pipe, child_pipe = SPAWNING.Pipe()
        self.task = "its start"
        self.is_gone = False
        self.process = SPAWNING.Process(target=_serve, args=(child_pipe, loaded_plugins()), daemon=True)
        with _signals_blocked(), _environment(environment):
            self.process.start()
        child_pipe.close()

    def start(self, task: str, function: Callable[..., Any], *args: Any) -> None:
        """Call `function(*args, channel)` in the worker; `task` names it in errors."""
        self.task = task
        self._send((function, args))

    def send_more(self, tasks: Sequence[ArmTask]) -> None:
        """Send the worker networks to train along with those of its task."""
        self._send(tasks)

    def stop(self) -> None:
        """Ask the worker to stop its task."""
        self._send("stop")

    def receive(self) -> tuple[str, Any]:
        """Return the next message, its kind first.

        They are those of `scheduling.executor.Message`, without "lost".
        """
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.is_gone = True
            return "failed", RunError(self._cause_of_death())

    def close(self) -> None:
        """Let the process save its task and end, and wait for it."""
        self.pipe.close()
        self.process.join()

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # `receive` reports a dead process
            self.pipe.send(message)

    def _cause_of_death(self) -> str:
        self.process.join(timeout=5)
        code = self.process.exitcode
        cure = "run the command again (without --force) to resume"
        if code is not None and code < 0:
            killed = f"worker for {self.task} was killed by signal {-code}"
            return f"{killed}; {cure}, with a smaller --jobs if memory ran out"
        return f"worker for {self.task} died (traceback above); {cure}"


def _serve(pipe: Connection, plugins: Sequence[str]) -> None:
    """Load plug-ins, then call what the parent sends, until the pipe ends."""
    ending: list[bool] = []
    try:
        claim = hold_claim()
    except RunError:  # the parent was killed, and another start has begun
        return
    for number in STOP_SIGNALS:  # a terminal's Ctrl-C and its closing reach every process: the parent decides
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    if CAN_BLOCK_SIGNALS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    try:
        load_plugins(plugins)  # before the first message, which may hold objects of theirs
    except PluginError as error:
        with suppress(OSError):
            pipe.send(("failed", error))
        return

    _serve_tasks(pipe, ending)
    if claim is not None:
        claim.release()


def _serve_tasks(pipe: Connection, ending: list[bool]) -> None:
    """Call what the parent sends, until the pipe ends."""
    while True:
        try:
            with memory_errors_explained():  # a message may load modules
                message = pipe.recv()
        except RunError as error:
            message = None
            with suppress(OSError):
                pipe.send(("failed", error))
        except (EOFError, OSError):
            return
        if not isinstance(message, tuple):  # it crossed the end of the task, or was not read
            continue
        function, args = message
        try:
            with memory_errors_explained():
                answer: tuple[str, Any] = ("ended", function(*args, PipeChannel(pipe, ending)))
        except (Interrupted, ConfigError, RunError, OSError) as error:
            answer = ("failed", error)
        with suppress(OSError):
            pipe.send(answer)


class PipeChannel(Channel):
    """Channel of a task to the queue in the parent process.

    Parameters
    ----------
    ending : list
        Not empty once the process itself has to end.
    """

    def __init__(self, pipe: Connection, ending: list[bool]):
        self.pipe, self.ending, self.is_stopped = pipe, ending, False
        self.inbox: list[ArmTask] = []
        self._report = throttled(lambda task, step, acc: self._send("progress", (task.number, step, acc)))

    def report(self, task: ArmTask, step: int, test_acc: float) -> None:
        """Send a network's step and test accuracy, now and then."""
        self._report(task, step, test_acc)

    def ended(self, task: ArmTask, reason: str | None) -> None:
        """Tell that a network has ended."""
        self._send("arm ended", task.number)

    def failed(self, task: ArmTask, error: Exception) -> None:
        """Tell that a network cannot be trained as it is."""
        self._send("arm failed", (task.number, error))

    def held(self, task: ArmTask) -> None:
        """Tell that another process trains a network."""
        self._send("arm held", task.number)

    def more(self) -> list[ArmTask]:
        """Return the networks that were sent since the last call."""
        self._read()
        tasks, self.inbox = self.inbox, []
        return tasks

    def should_stop(self) -> bool:
        """Return True once the parent has asked for it, or is gone."""
        self._read()
        return bool(self.ending) or self.is_stopped

    def _read(self) -> None:
        """Take the messages that are there: networks, or "stop"."""
        try:
            while not self.is_stopped and self.pipe.poll():
                message = self.pipe.recv()
                if message == "stop":
                    self.is_stopped = True
                else:
                    self.inbox += message
        except (EOFError, OSError):
            self.is_stopped = True

    def _send(self, kind: str, content: Any) -> None:
        with suppress(OSError):  # `should_stop` notices that the parent is gone
            self.pipe.send((kind, content))


def throttled(report: Report) -> Report:
    """Return a report function that passes on few of a network's reports."""
    last_report: dict[int, float] = {}

    def report_sometimes(task: ArmTask, step: int, test_acc: float) -> None:
        if time.monotonic() - last_report.get(task.number, 0.0) > REPORT_SECONDS:
            last_report[task.number] = time.monotonic()
            report(task, step, test_acc)

    return report_sometimes


@contextmanager
def memory_errors_explained() -> Iterator[None]:
    """Raise a `RunError` of one line where memory runs out."""
    try:
        yield
    except (MemoryError, RuntimeError, ImportError) as error:
        if (shortage := memory_shortage(error)) is None:
            raise
        raise RunError(f"{shortage}; {LESS_MEMORY}") from error


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Add variables to this process' environment while a child starts, which takes it over."""
    os.environ |= variables
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block stop signals while a child starts; it unblocks them once it handles them."""
    if not CAN_BLOCK_SIGNALS:
        yield
        return
    resource_tracker.ensure_running()  # it would lift the block when it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
