"""A call as it is carried out in a cluster's worker process, and what stops it there.

A worker tells nothing before its call ends: files in the driver's folder are all that both sides share. The
driver holds the folder's lock as long as it lives.
"""

from __future__ import annotations

import os
import pickle
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.cli.parser import Interrupted
from training.execution.arms.jobs import ArmTask, Channel
from training.execution.cluster.block_script import UNTIL
from training.execution.scheduling.worker_process import memory_errors_explained
from training.runs.atomic_files import RunError
from training.runs.file_lock import is_held
from training.schema.code_digest import packages_digest
from training.schema.plugins import load_plugins
from training.schema.validation import ConfigError

TOKEN, STOP = "token", "stop"
"""Files of a driver's folder: who it is; that all calls end, or, with a number behind it, one."""
LOOK_SECONDS, LOCK_SECONDS = 0.5, 5.0
"""Wall time between two looks at the stop files, and at the driver's lock."""
LATE_SECONDS = 5.0
"""Wall time for which a job that is about to end keeps a call that reaches it, so that another may take the
next."""


@dataclass(frozen=True)
class Terms:
    """What a worker has to share with the driver that sends it calls."""

    folder: Path
    """The driver's, absolute, with `token` in its file of that name."""
    token: str
    working_directory: Path
    code: str
    """Digest of the project's code."""
    plugins: tuple[str, ...]
    python: str = platform.python_version()

    def refusal(self) -> str | None:
        """Return why this process cannot carry out the driver's calls; None if it can."""
        here = f"worker on {platform.node()}"
        if _minor(platform.python_version()) != _minor(self.python):
            return f"{here}: it runs Python {platform.python_version()}, and the driver {self.python}"
        if (code := packages_digest()) != self.code:
            return f"{here}: it has other code of this project ({code[:8]}) than the driver ({self.code[:8]})"
        try:
            token = (self.folder / TOKEN).read_text()
        except OSError:
            token = ""
        if token != self.token or not self.working_directory.is_dir():
            folder = self.folder if token != self.token else self.working_directory
            return f"{here}: it does not see {folder}; put the runs where all machines see them"
        if not is_held(self.folder):
            return f"{here}: locks of files in {self.folder} do not hold between machines"
        return None


def carry_out(terms: Terms, number: int, content: bytes) -> list[tuple[str, Any]]:
    """Carry out a call in this process, and return its messages, without its number, in order.

    Parameters
    ----------
    number : int
        The driver's, of the call.
    content : bytes
        Pickled function and arguments, which may need the plug-ins to be read.
    """
    if (refusal := terms.refusal()) is not None:
        return [("failed", ConfigError(refusal))]
    if _is_late():
        time.sleep(LATE_SECONDS)
        return [("ended", None)]
    begun = time.monotonic()
    os.chdir(terms.working_directory)
    with _termination_noted() as ending:
        channel = RemoteChannel(terms.folder, number, ending)
        try:
            with memory_errors_explained():
                load_plugins(terms.plugins)
                function, args = pickle.loads(content)
                answer = ("ended", function(*args, channel))
        except (Interrupted, ConfigError, RunError, OSError) as error:
            answer = ("failed", error)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            answer = ("failed", RunError(f"worker on {platform.node()}: {type(error).__name__}: {error}"))
    return [("worked", time.monotonic() - begun), *channel.messages, answer]


class RemoteChannel(Channel):
    """Channel of a call whose messages are taken at its end.

    Parameters
    ----------
    ending : list
        Not empty once this process was asked to end.
    """

    def __init__(self, folder: Path, number: int, ending: list[int]):
        self.folder, self.ending = folder, ending
        self.messages: list[tuple[str, Any]] = []
        self._stop_files = (folder / STOP, folder / f"{STOP}_{number}")
        self._parent = os.getppid()
        self._looked = self._looked_at_lock = time.monotonic()
        self._is_stopped = False

    def report(self, task: ArmTask, step: int, test_acc: float) -> None:
        """Tell nothing: the worker's note in the run says it."""

    def ended(self, task: ArmTask, reason: str | None) -> None:
        """Note that a network has ended."""
        self.messages.append(("arm ended", task.number))

    def failed(self, task: ArmTask, error: Exception) -> None:
        """Note that a network cannot be trained as it is."""
        self.messages.append(("arm failed", (task.number, error)))

    def held(self, task: ArmTask) -> None:
        """Note that another process trains a network."""
        self.messages.append(("arm held", task.number))

    def more(self) -> list[ArmTask]:
        """Return none: what becomes ready is another call's."""
        return []

    def should_stop(self) -> bool:
        """Return True if the driver asks for it or is gone, or the job or this process is about to end."""
        now = time.monotonic()
        if not self._is_stopped and now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._is_stopped = _is_late() or os.getppid() != self._parent or self._is_called_off(now)
        return self._is_stopped or bool(self.ending)

    def _is_called_off(self, now: float) -> bool:
        if now - self._looked_at_lock >= LOCK_SECONDS:
            self._looked_at_lock = now
            if not is_held(self.folder):
                return True
        return any(file.exists() for file in self._stop_files)


def _is_late() -> bool:
    """Return True if this process' job is about to end."""
    until = os.environ.get(UNTIL)
    return until is not None and time.time() > float(until)


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


@contextmanager
def _termination_noted() -> Iterator[list[int]]:
    """Note SIGTERM, which a job's end or preemption sends, in place of dying at once."""
    ending: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    try:
        yield ending
    finally:
        signal.signal(signal.SIGTERM, before)
