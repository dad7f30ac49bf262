"""Folders that tables are saved in: a run, or a folder beside its full tables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.runs.run_directory import RunDir

WITH_ARGUMENTS = "with_arguments"
"""Folder of a run that holds tables made with arguments, a folder for each choice of arguments."""
LONGEST = 100
"""Characters of such a folder's name at most; a longer one ends in a hash."""


def folder_with_arguments(run: RunDir, arguments: Mapping[str, Any]) -> RunDir:
    """Return the folder of tables that were made with arguments, beside a run's full tables.

    Examples
    --------
    >>> from training.runs.run_directory import RunDir
    >>> folder_with_arguments(RunDir("runs/x"), {"arms": ["dense"], "steps": [0, 400]}).path.as_posix()
    'runs/x/with_arguments/arms_dense_steps_0_400'
    """
    from training.runs.run_directory import RunDir

    words = [word for name, value in arguments.items() for word in (name, *_values(value))]
    full = "_".join(map(str, words))
    name = re.sub(r"[^A-Za-z0-9.,_+-]", "-", full)[:LONGEST]
    if name != full or not name.strip("."):
        name = f"{name[: LONGEST - 9]}_{hashlib.sha256(full.encode()).hexdigest()[:8]}"
    return RunDir(run.path / WITH_ARGUMENTS / name)


def run_of_tables(folder: Path) -> Path:
    """Return the run whose tables a folder holds: itself, or the run above."""
    return folder.parents[1] if folder.parent.name == WITH_ARGUMENTS else folder


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Return arguments as on a command line.

    Examples
    --------
    >>> arguments_text({"steps": [0, 400], "until": 60})
    '--steps 0 400 --until 60'
    """
    return " ".join(" ".join([f"--{name}", *_values(value)]) for name, value in arguments.items())


def _values(value: Any) -> list[str]:
    return list(map(str, value if isinstance(value, list | tuple) else [] if value is True else [value]))
