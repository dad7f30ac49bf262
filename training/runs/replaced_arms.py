"""Networks that others replaced: moved aside, listed, discarded.

    arms/.replaced/<time>/<arm>/seed_<s>/   the files as they were

All files are linked there, or copied, before the first is deleted here: a crash in between loses nothing.
"""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

from training.runs import atomic_files as files
from training.runs.arm_directory import ArmDir
from training.runs.file_lock import LOCK
from training.runs.run_directory import RunDir

REPLACED = ".replaced"
"""Folder of `arms` that no reader of a run looks into."""


@dataclass(frozen=True)
class ReplacedArm:
    """Files of one network that was moved aside."""

    moved: str
    """Time of the start that replaced it, in UTC."""
    arm: str
    seed: int
    path: Path
    size: int
    """In bytes."""


def new_entry(run: RunDir) -> str:
    """Return a name for the networks that one start moves aside: its time, and a number if it is taken."""
    time = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    folder, n = _folder(run), 1
    while (folder / (name := time if n == 1 else f"{time}-{n}")).exists():
        n += 1
    return name


def arm_size(arm: ArmDir) -> int:
    """Return the bytes of an arm's files; 0 if it has none."""
    return sum(file.stat().st_size for file in _files_of(arm.path))


def move_aside(run: RunDir, arm: ArmDir, entry: str) -> Path | None:
    """Move an arm's files to a new folder; return it, or None for an arm without files.

    The caller holds the arm and the run.

    Parameters
    ----------
    entry : str
        From `new_entry`.
    """
    content = _files_of(arm.path)
    if not content:
        return None
    target = _folder(run) / entry / arm.arm / arm.path.name
    partial = target.with_name(f".{target.name}.partial")
    for file in content:
        files.share(file, partial / file.name)
    files.flush_folder(partial)
    partial.rename(target)
    files.flush_folder(target.parent)
    arm.clear()
    return target


def move_back(run: RunDir, arm: ArmDir, moved: Path) -> None:
    """Restore what `move_aside` has moved, in place of all that the arm has now."""
    arm.clear()
    for file in sorted(_files_of(moved), key=lambda file: file.name in arm.STATUS_FILES):
        files.share(file, arm.path / file.name)
    shutil.rmtree(moved)
    for folder in (moved.parent, moved.parent.parent, _folder(run)):
        if any(folder.iterdir()):
            break
        folder.rmdir()


def replaced_arms(run: RunDir) -> list[ReplacedArm]:
    """Return the networks that were moved aside, the oldest first."""
    moved = []
    for path in sorted(_folder(run).glob("*/*/seed_*")):
        size = sum(file.stat().st_size for file in _files_of(path))
        seed = int(path.name.removeprefix("seed_"))
        moved.append(ReplacedArm(path.parents[1].name, path.parent.name, seed, path, size))
    return sorted(moved, key=lambda network: (network.moved, network.arm, network.seed))


def discard_replaced(run: RunDir) -> None:
    """Delete all that was moved aside."""
    with run.locked():
        if _folder(run).exists():
            shutil.rmtree(_folder(run))


def _folder(run: RunDir) -> Path:
    return run.path / "arms" / REPLACED


def _files_of(folder: Path) -> list[Path]:
    """Return the files of a network's folder but its lock and what a killed process left half written."""
    return sorted(file for file in folder.glob("*") if file.name != LOCK and not file.name.endswith(".tmp"))
