"""Provenance of a start: commit, versions, machine, and the arms it trains."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.execution.jobs import Job
from training.schema.plugins import loaded_plugins

PACKAGES = ("grokking-tickets", "torch", "numpy", "scipy", "safetensors", "pandas", "pyarrow")
"""Packages whose versions are recorded."""


def provenance(
    device: str, workers: int, seeds: Sequence[int], todo: Sequence[Job], taken: Mapping[Job, str]
) -> dict[str, Any]:
    """Return the entry of a start in provenance.json.

    Parameters
    ----------
    taken : mapping
        By arm that another run has finished: the folder it is taken from.
    """
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "machine": platform.machine(),
        "device": device,
        "workers": workers,
        "threads_per_worker": 1,
        "seeds": list(seeds),
        "arms": [str(job) for job in todo],
        "taken": {str(job): path for job, path in taken.items()},
        "plugins": loaded_plugins(),
    }


def _commit(package: Path = Path(__file__).parents[1]) -> str | None:
    """Return the commit of this code's checkout, with `+` if changed.

    None for an installed copy, also inside a checkout of something else: git has none of its files there.

    Parameters
    ----------
    package : Path
        Folder of the package `training`.
    """
    git = ["git", "-C", str(package)]
    tracked = [*git, "ls-files", "--error-unmatch", "__init__.py"]
    try:
        subprocess.run(tracked, capture_output=True, check=True)
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
