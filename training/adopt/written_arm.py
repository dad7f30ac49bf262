"""Adopted arm on disk: written whole, or nothing of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.replaced_arms import move_aside, move_back, new_entry
from training.runs.run_directory import RunDir
from training.schema.validation import differences


@dataclass(frozen=True)
class ArmContent:
    """Steps, weights, mask and metrics of an arm."""

    steps: np.ndarray
    weights: Mapping[str, np.ndarray]
    mask: Mapping[str, np.ndarray] | None
    metrics: Mapping[str, np.ndarray] | None


def write_arm(
    run: RunDir, files: ArmDir, config: Mapping[str, Any], content: ArmContent, check: Callable[[], None]
) -> None:
    """Write an arm and the run's config, or neither.

    An arm that is there already moves to `arms/.replaced` first.

    Parameters
    ----------
    check : callable
        Raises a `RunError` if the folder may not be written; called while it is held.

    Raises
    ------
    RunError
        If the run has another config.
    """
    is_new = not run.path.exists()
    try:
        with run.locked():
            check()
            _write(run, files, config, content)
    except BaseException:
        if is_new:
            _remove_folders(run, files)
        raise


def _write(run: RunDir, files: ArmDir, config: Mapping[str, Any], content: ArmContent) -> None:
    old, is_there = run.config(), files.has_checkpoints()
    if old is not None and (fields := differences(old, config)):
        raise RunError(
            f"{run.path}: was adopted with another config ({'; '.join(fields)}); choose another --out"
        )
    moved = None
    try:
        if old is None:
            run.write_config(config)
        with files.locked():
            moved = move_aside(run, files, new_entry(run))
            if content.mask is not None:
                files.write_mask(content.mask)
            if content.metrics is not None:
                files.write_metrics(content.metrics)
            files.write_checkpoints(content.steps, content.weights)  # last: an arm without them is not there
            files.flush()
    except BaseException:
        if moved is not None:
            move_back(run, files, moved)
        elif files.path.is_dir() and not is_there:
            files.clear()
        if old is None:
            (run.path / "config.json").unlink(missing_ok=True)
        raise
    if moved is not None:
        print(f"moved to {moved}: the weights that were here", file=sys.stderr)


def _remove_folders(run: RunDir, files: ArmDir) -> None:
    """Remove a new run's empty folders and locks."""
    for folder in (files.path, files.path.parent, files.path.parent.parent, run.path):
        with contextlib.suppress(OSError):  # another process may have begun to write here
            (folder / ".lock").unlink(missing_ok=True)
            folder.rmdir()
