"""Processes of a command, found in /proc."""

import contextlib
from pathlib import Path


def parent_of(pid):
    """Return the id of a live process's parent, None if it has ended."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        state, parent = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:2]
        return None if state == "Z" else int(parent)
    return None


def workers_of(process):
    """Return the process ids of a command's live workers."""
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    children = [number for number in numbers if parent_of(number) == process.pid]
    return [child for child in children if b"spawn_main" in command_of(child)]


def command_of(pid):
    """Return the command line of a process, or nothing if ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def without_progress(err):
    """Return the lines of a training's stderr but for those that a slow machine gets every 15 seconds."""
    return [line for line in err.splitlines() if "networks done; " not in line]
