"""Checkpoints of finished arms between those that training saved, made by a replay of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from training.cli.parser import Interrupted
from training.config.arm_config import arm_config
from training.config.recipe import Recipe
from training.config.settings import steps_around
from training.execution.arms.jobs import ArmTask
from training.execution.arms.kept_moments import with_moments
from training.execution.arms.sources.starting_point import starting_point
from training.execution.identity.device import platform_differences, platform_of
from training.inspection.file_checks import scheduled_steps
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError

KEEP = "--set measure.checkpoints=[] asks for no more"
"""What to type where checkpoints cannot be added."""


def missing_steps(recipe: Recipe, files: ArmDir, done: Mapping[str, Any]) -> list[int]:
    """Return the steps of a finished arm's grids at which no weights are saved, in order.

    Where the recipe's grids are those that the arm was saved by, only those around events can be missing, and
    the steps that other arms were made from: a training from step 0 to a later end did not save them.
    """
    wanted = _steps_read(recipe, files, done)
    if not _has_same_grids(recipe, files, done):
        wanted |= {*scheduled_steps(recipe, files.arm, done["steps"])}
    grids = [grid for grid in recipe.checkpoints(files.arm) if grid.around is not None]
    if grids:
        criterion = recipe.setting(files.arm).criterion
        metrics = files.metrics(criterion.train, criterion.test, measured=criterion.train)
        wanted |= {*steps_around(grids, criterion.times(metrics), metrics["step"].tolist())}
    return sorted(wanted - {*files.steps().tolist()}) if wanted else []


def add_checkpoints(task: ArmTask, device: str, should_stop: Callable[[], bool]) -> None:
    """Replay an arm that is finished and lacks checkpoints, and add them.

    Weights at steps that are saved already have to come out with equal bytes, else nothing is written. The
    caller holds the arm.

    Raises
    ------
    RunError
        If the replay differs from what is saved, or the arm was trained on another platform.
    Interrupted
        If `should_stop` returned true; nothing was written, and the same command begins again.
    """
    files = task.files
    done = files.done()
    if done is None:
        return
    if missing := missing_steps(task.recipe, files, done):
        if differences := platform_differences(done.get("platform") or {}, dict(platform_of(device))):
            raise RunError(
                f"{files.path}: checkpoints at {len(missing)} more steps need a replay on the platform "
                f"that trained it ({differences}); {KEEP}"
            )
        _write(task, done, _replayed(task, done, missing, device, should_stop))
    elif "checkpoints.safetensors" not in done.get("files", {"checkpoints.safetensors": ""}):
        files.rewrite_done({**done, "files": files.file_hashes()})  # a process was killed before it did


def _replayed(
    task: ArmTask,
    done: Mapping[str, Any],
    missing: Sequence[int],
    device: str,
    should_stop: Callable[[], bool],
) -> dict[int, dict[str, np.ndarray]]:
    """Return an arm's weights at steps, trained again from its start."""
    from training.execution.arms.replayed_arm import ReplayedArm

    files = task.files
    start = with_moments(task, starting_point(task.recipe, task.run, task.job), device, should_stop)
    arm = ReplayedArm(task, start, device, done.get("slots", ()))
    steps, stacked, made = files.steps().tolist(), files.checkpoints(), {}
    for step in sorted({*missing, *(step for step in steps if step < missing[-1])}):
        if should_stop():
            raise Interrupted
        arm.run_to(step)
        weights = arm.weights()
        if step in missing:
            made[step] = weights
        elif any(w.tobytes() != stacked[name][steps.index(step)].tobytes() for name, w in weights.items()):
            raise RunError(
                f"{files.path}: more checkpoints need a replay, and its weights at step {step} come out "
                f"differently than those saved; {KEEP}"
            )
    return made


def _steps_read(recipe: Recipe, files: ArmDir, done: Mapping[str, Any]) -> set[int]:
    """Return the steps before a finished arm's last one that arms of the recipe were made from.

    There are none to save where the user has reduced or deleted checkpoints.
    """
    if "reduced" in done or not files.has_checkpoints():
        return set()
    arms = recipe.dependents.get(files.arm, ())
    records = [ArmDir(files.path.parents[2], name, files.seed).recorded_source() for name in arms]
    return {record["step"] for record in records if record is not None and record["step"] < done["steps"]}


def _write(task: ArmTask, done: Mapping[str, Any], made: Mapping[int, dict[str, np.ndarray]]) -> None:
    """Add weights to an arm's checkpoints; a process that is killed meanwhile leaves a sound arm."""
    files = task.files
    hashes = {
        name: digest for name, digest in done.get("files", {}).items() if name != "checkpoints.safetensors"
    }
    files.rewrite_done({**done, "files": hashes})
    steps, stacked = files.steps(), files.checkpoints()
    order = np.argsort([*steps, *made], kind="stable")
    files.write_checkpoints(
        np.array([*steps, *made])[order],
        {
            name: np.concatenate([w, [weights[name] for weights in made.values()]])[order]
            for name, w in stacked.items()
        },
    )
    config = task.record()["config"]
    files.rewrite_done({**done, "config": config, "files": files.file_hashes()})


def _has_same_grids(recipe: Recipe, files: ArmDir, done: Mapping[str, Any]) -> bool:
    config = arm_config(recipe, files.arm, files.seed)
    return _grids(done["config"], files.arm) == _grids(config, files.arm)


def _grids(config: Mapping[str, Any], arm: str) -> Any:
    """Return the grids of an arm in an arm config: its own, or those of all."""
    own = config.get("arms", {}).get(arm, {}).get("checkpoints")
    return config.get("measure", {}).get("checkpoints") if own is None else own
