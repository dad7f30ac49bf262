"""Cores that this process may use, and versions of installed packages."""

from __future__ import annotations

import importlib.metadata
import os


def installed_version(package: str) -> str | None:
    """Return the version of a package; None if it runs from its source, not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def available_cores() -> int:
    """Return the number of cores this process may use, on every platform.

    Linux counts those of the process's affinity mask, other systems all cores of the machine.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
