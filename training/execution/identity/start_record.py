"""Record of a start in provenance.json: command, code, machine, and the arms it trains."""

from __future__ import annotations

import datetime
import platform
import secrets
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.cli.machine import installed_version
from training.schema.code_digest import PACKAGES, ROOT
from training.schema.plugins import loaded_plugins

VERSIONS = ("grokking-tickets", "torch", "numpy", "scipy", "safetensors", "pandas", "pyarrow")
"""Packages whose versions are recorded."""


@dataclass(frozen=True)
class Start:
    """One start of a training, as every worker knows it."""

    id: str = field(default_factory=lambda: secrets.token_hex(6))
    """Names its entry in provenance.json, also after runs are merged."""
    twins: dict[str, str] = field(default_factory=dict)
    """By arm and seed that another run has finished, as "dense seed 0": the folder of that run."""
    accept_other: bool = False
    """Take over, and go on with, arms that other code or another platform began."""

    def of_arms(self, arms: Sequence[object]) -> Start:
        """Return this start with the other runs of these arms only, to be sent to a worker."""
        return replace(self, twins={arm: self.twins[arm] for arm in map(str, arms) if arm in self.twins})


def start_record(
    start: Start, device: str, workers: int, seeds: Sequence[int], todo: Sequence[object]
) -> dict[str, Any]:
    """Return the entry of a start in provenance.json.

    Parameters
    ----------
    todo : sequence
        Arms and seeds that are not finished, as "dense seed 0".
    """
    return {
        "id": start.id,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command_line(sys.argv),
        "commit": commit(),
        "python": platform.python_version(),
        "versions": {name: installed_version(name) for name in VERSIONS},
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "os": f"{platform.system()} {platform.release()}",
        "blas": _blas(),
        "device": device,
        "workers": workers,
        "threads_per_worker": 1,
        "seeds": list(seeds),
        "arms": [str(job) for job in todo],
        "taken": {},
        "plugins": loaded_plugins(),
    }


def command_line(argv: Sequence[str]) -> str:
    """Return a command of this project as it is typed, and of any other program its name alone.

    The home folder is written as ~; arguments of other programs, as a notebook's, are not ours to keep.

    Examples
    --------
    >>> command_line(["/usr/bin/pytest", "--secret"])
    'pytest'
    """
    program, *arguments = argv or [""]
    path = Path(program)
    if (
        path.name == "__main__.py"
        and path.is_relative_to(ROOT)
        and path.relative_to(ROOT).parts[0] in PACKAGES
    ):
        module = ".".join(path.relative_to(ROOT).parent.parts)
        home = str(Path.home())
        return shlex.join(["python", "-m", module, *(text.replace(home, "~") for text in arguments)])
    return path.name


def commit(root: Path = ROOT) -> str | None:
    """Return the commit of this code's checkout, with `+` if changed.

    None unless `root` is the top of a checkout that has the package's files: an installed copy, or one that
    lies in somebody else's repository, tracked there or not, has no commit of its own.

    Parameters
    ----------
    root : Path
        Folder of the packages.
    """
    try:
        top = Path(_git(root, "rev-parse", "--show-toplevel"))
        if not top.samefile(root):
            return None
        _git(root, "ls-files", "--error-unmatch", "training/__init__.py")
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def cpu_model() -> str:
    """Return the name of the processor, as its maker wrote it where the system says it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"


def _blas() -> str:
    """Return the name and version of the library behind numpy's matrix products."""
    import numpy as np

    config = np.show_config(mode="dicts")
    library = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()
