"""A worker: a process with one pipe to its parent, that trains one group of arms after another.

No queue or lock is shared between workers, which a killed one would leave shut for the others. A worker's
death closes its pipe, and the parent's death closes all of them: both sides see it and end in order.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from training.cli.parser import Interrupted
from training.cli.stop_signals import STOP_SIGNALS
from training.execution.jobs import Job
from training.runs.atomic_files import RunError
from training.schema.validation import ConfigError

CAN_BLOCK_SIGNALS = hasattr(signal, "pthread_sigmask")
"""False on Windows."""
REPORT_SECONDS = 0.1
"""Wall time between two reports of one arm."""


class Worker:
    """The parent's side of a worker process."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.doing = "starting"
        self.process = context.Process(target=_work, args=(theirs,), daemon=True)
        with _signals_blocked():
            self.process.start()
        theirs.close()

    def start(self, doing: str, function: Callable[..., Any], *args: Any) -> None:
        """Have `function(*args, report, should_stop)` called over there; `doing` names it in errors."""
        self.doing = doing
        self._send((function, args))

    def stop(self) -> None:
        """Ask for an end of what is under way."""
        self._send("stop")

    def receive(self) -> tuple[str, Any]:
        """The next word: ("seen", a report), and in the end ("ended", result) or ("failed", exception)."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            reason = f"the process of {self.doing} ended before its time; the same command goes on"
            return "failed", RunError(reason)

    def close(self) -> None:
        """Let go of the process, which saves what it has and ends."""
        self.pipe.close()
        self.process.join()

    def _send(self, word: Any) -> None:
        with suppress(OSError):  # if the process is dead, `receive` says so
            self.pipe.send(word)


def _work(pipe: Connection) -> None:
    """The worker's side: call what the parent sends until the pipe ends."""
    ending = []
    for number in STOP_SIGNALS:  # a terminal's Ctrl-C and its closing reach every process: the parent decides
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    if CAN_BLOCK_SIGNALS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    last: dict[Job, float] = {}

    def report(job: Job, step: int, test_acc: float) -> None:
        if time.monotonic() - last.get(job, 0.0) > REPORT_SECONDS:
            last[job] = time.monotonic()
            with suppress(OSError):  # the parent is gone, which `should_stop` sees
                pipe.send(("seen", (job, step, test_acc)))

    def should_stop() -> bool:
        return bool(ending) or pipe.poll()  # a word during work is "stop", or the pipe's end

    while True:
        try:
            word = pipe.recv()
        except (EOFError, OSError):
            return
        if word == "stop":  # it crossed with the end of what was under way
            continue
        function, args = word
        try:
            answer: tuple[str, Any] = ("ended", function(*args, report, should_stop))
        except (Interrupted, ConfigError, RunError, OSError) as error:
            answer = ("failed", error)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            answer = ("failed", RunError(f"not enough memory: {str(error).splitlines()[0]}"))
        with suppress(OSError):
            pipe.send(answer)


def _out_of_memory(error: Exception) -> bool:
    said = str(error)
    return isinstance(error, MemoryError) or "allocate memory" in said or "out of memory" in said


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
