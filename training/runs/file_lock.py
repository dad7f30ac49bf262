"""Locks of folders, and claims of processes started by another one.

A lock is free again when its holder ends, killed or not. Only writers load the lock library.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from training.runs.atomic_files import RunError, delete_stale_temporaries, write_bytes

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = ".lock"
"""Name of a folder's lock file."""
CLAIM = "GROKKING_TICKETS_CLAIM"
"""Environment variable of a started process: `TOKEN:LOCK FILE` of the claim it has to hold."""


class HeldError(RunError):
    """Folder that another process holds."""


@contextlib.contextmanager
def locked(folder: Path, refusal: str | None = None) -> Iterator[None]:
    """Hold a folder for this process, and delete dead processes' temporary files there.

    Parameters
    ----------
    refusal : str, optional
        Message for a folder that another process holds. By default, wait for that process.

    Raises
    ------
    HeldError
        If another process holds the folder and `refusal` is given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = acquired(folder / LOCK, wait=refusal is None)
    if lock is None:
        raise HeldError(f"{folder}: {refusal}")
    try:
        delete_stale_temporaries(folder)
        yield
    finally:
        lock.release()


def acquired(path: Path, wait: bool = True) -> BaseFileLock | None:
    """Return a file's lock, held; None if `wait` is false and it is taken."""
    with warnings.catch_warnings(action="ignore"):  # where flock is missing, a file names the holder
        from filelock import FileLock, Timeout

        lock = FileLock(path, timeout=-1 if wait else 0)
        try:
            lock.acquire()
        except Timeout:
            return None
    return lock


def is_held(folder: Path) -> bool:
    """Return True if a process holds a folder, without holding it and without writing."""
    path = folder / LOCK
    if fcntl is None:
        return path.exists() and not _is_free(path)
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, PermissionError):
        return False
    except OSError as error:  # held; or flock is missing, and the file names the holder
        return error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOSYS)
    return False


class Claims:
    """Claims that started processes hold while they run.

    They outlive a killed parent: its successor waits for processes that are still running. A process that
    takes its claim only after the successor has begun ends at once, so none is overlooked.

    Parameters
    ----------
    folder : Path
        Where the claims are; the caller holds a lock that guards this folder.
    """

    def __init__(self, folder: Path):
        self.folder, self.token = folder, secrets.token_hex(8)
        write_bytes(_holder(folder), self.token.encode())

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment variable that makes a process hold the claim of this name."""
        return {CLAIM: f"{self.token}:{self.folder.resolve() / name}{LOCK}"}

    def held_by_others(self) -> bool:
        """Return True if a process of an earlier parent is still running."""
        return any(not _is_free(path) for path in self.folder.glob(f"*{LOCK}"))

    def wait_for_others(self) -> None:
        """Wait until no process of an earlier parent is running."""
        for path in self.folder.glob(f"*{LOCK}"):
            _is_free(path, wait=True)
            path.unlink(missing_ok=True)


def hold_claim() -> BaseFileLock | None:
    """Take the claim that the environment names, if any.

    It is held until the returned lock is released or this process ends.

    Raises
    ------
    RunError
        If the process that started this one has ended and another has taken over.
    """
    token, _, path = os.environ.pop(CLAIM, "").partition(":")  # popped: not for processes started from here
    if not path:
        return None
    claim = acquired(Path(path))
    if _holder(Path(path).parent).read_text() != token:
        raise RunError(f"{path}: the process that started this one has ended; run its command again")
    return claim


def _holder(folder: Path) -> Path:
    return folder / "holder"


def _is_free(path: Path, wait: bool = False) -> bool:
    lock = acquired(path, wait)
    if lock is not None:
        lock.release()
    return lock is not None
