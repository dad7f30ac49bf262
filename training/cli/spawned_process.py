"""Child processes: they do not run the caller's script again, and may print to its stderr.

A spawned process imports its parent's `__main__` module: a script without a main guard would start over in
every worker, and a notebook or `python - < FILE` has no file to import. The children started here import
no `__main__`; what they run comes from modules.
"""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType

_HIDING = threading.RLock()


@contextmanager
def main_module_hidden() -> Iterator[None]:
    """Put an empty module in the place of `__main__`."""
    with _HIDING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


class GuardlessProcess(SpawnProcess):
    """Spawned process that imports no `__main__`."""

    def start(self) -> None:
        """Start it."""
        with main_module_hidden():
            super().start()


class GuardlessContext(SpawnContext):
    """Context whose processes import no `__main__`, for pools too."""

    Process = GuardlessProcess


SPAWNING = GuardlessContext()
"""The context by which this project starts worker processes."""


def run_on_stderr(command: Sequence[str]) -> int:
    """Run a command that prints to this process' stderr, and return its exit code.

    Its output passes through this process where stderr is no file, as in a notebook; without a stderr it is
    dropped.
    """
    if sys.stderr is None:
        return subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ).returncode
    try:
        sys.stderr.fileno()
    except (AttributeError, io.UnsupportedOperation):
        done = subprocess.run(
            command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        sys.stderr.write(done.stdout)
        return done.returncode
    return subprocess.run(command, check=False, stdout=sys.stderr, stderr=sys.stderr).returncode
