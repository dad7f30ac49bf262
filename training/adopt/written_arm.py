"""Adopted arm on disk: written whole, or nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
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
    old = run.config()
    if old is not None and (fields := differences(old, config)):
        raise RunError(
            f"{run.path}: was adopted with another config ({'; '.join(fields)}); choose another --out"
        )
    is_new = not files.has_checkpoints()
    try:
        if old is None:
            run.write_config(config)
        with files.locked():
            files.write_checkpoints(content.steps, content.weights)
            if content.mask is not None:
                files.write_mask(content.mask)
            if content.metrics is not None:
                files.write_metrics(content.metrics)
            files.keep_only(
                "checkpoints.safetensors",
                *["mask.safetensors"] * (content.mask is not None),
                *["metrics.parquet"] * (content.metrics is not None),
            )
    except BaseException:
        if is_new and files.path.is_dir():
            files.clear()
        if old is None:
            (run.path / "config.json").unlink(missing_ok=True)
        raise


def _remove_folders(run: RunDir, files: ArmDir) -> None:
    """Remove a new run's empty folders and locks."""
    for folder in (files.path, files.path.parent, files.path.parent.parent, run.path):
        with contextlib.suppress(OSError):  # another process may have begun to write here
            (folder / ".lock").unlink(missing_ok=True)
            folder.rmdir()
