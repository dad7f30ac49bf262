"""Start file of a process whose n-th write below a folder fails; found through PYTHONPATH.

The processes of one command count together: each write appends a byte to one file.

Environment: FAULT_FOLDER, FAULT_COUNT (the file), FAULT_AT (n, 0 for none), FAULT_KIND (of `fail`).
"""

import builtins
import errno
import io
import os
import signal

FOLDER = os.environ.get("FAULT_FOLDER")
AT, KIND = int(os.environ.get("FAULT_AT", 0)), os.environ.get("FAULT_KIND", "")
append, real_open, real_os_open = os.write, io.open, os.open
COUNT = real_os_open(os.environ["FAULT_COUNT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT) if FOLDER else -1


def concerns(path):
    """Return True if a path is below the folder."""
    try:
        return os.path.abspath(os.fsdecode(path)).startswith(FOLDER)  # noqa: PTH100 (resolve would open links)
    except TypeError:  # a descriptor
        return False


def is_due():
    """Count a write, and return True if it is to fail; a full disk stays full."""
    append(COUNT, b".")
    place = os.lseek(COUNT, 0, os.SEEK_CUR)
    return AT and (place == AT or (KIND == "ENOSPC" and place > AT))


def fail(path):
    """Fail as FAULT_KIND says, at anything but a file's bytes."""
    if KIND == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if KIND != "short":
        number = getattr(errno, KIND)
        raise OSError(number, os.strerror(number), None if path is None else os.fsdecode(path))


class FaultyFile(io.FileIO):
    """File whose writes are counted, and fail."""

    def write(self, content):
        """Write all, or half and fail."""
        if is_due():
            half = memoryview(content).cast("B")[: max(len(content) // 2, 1)]
            if KIND in ("kill", "short"):
                written = super().write(half)
                fail(None)
                return written
            fail(None)
        return super().write(content)


def counted(function, place=0):
    """Return a function of `os` that is counted if the path at `place` is below the folder."""

    def call(*arguments, **options):
        if concerns(arguments[place]) and is_due():
            fail(arguments[place])
        return function(*arguments, **options)

    return call


def counted_os_open(path, flags, *arguments, **options):
    """Open a descriptor; counted if it is for writing."""
    if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and concerns(path) and is_due():
        fail(path)
    return real_os_open(path, flags, *arguments, **options)


def counted_fsync(descriptor, real=os.fsync):
    """Flush a descriptor of a file or folder below the folder; counted."""
    if concerns(os.readlink(f"/proc/self/fd/{descriptor}")) and is_due():  # noqa: PTH115
        fail(None)
    return real(descriptor)


def counted_open(
    file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None
):
    """Open a file; one for writing below the folder gets counted writes."""
    if not set(mode) & set("wxa+") or not concerns(file):
        return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
    if is_due():
        fail(file)
    raw = FaultyFile(file, mode.replace("b", "").replace("t", ""))
    if buffering == 0:
        return raw
    buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


if FOLDER:
    io.open = builtins.open = counted_open
    os.open, os.fsync, os.mkdir = counted_os_open, counted_fsync, counted(os.mkdir)
    os.replace, os.rename, os.link = counted(os.replace, 1), counted(os.rename, 1), counted(os.link, 1)
