"""Moments of an optimizer at a step of a finished arm, made by a replay of its training.

Checkpoints hold weights alone. An arm with `moments = "keep"` begins with the moments too, so that without
other settings it continues the training that it branches off, byte for byte on a CPU.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from training.cli.parser import Interrupted
from training.execution.arms.jobs import ArmTask, Job
from training.execution.arms.sources.starting_point import StartingPoint, starting_point
from training.execution.identity.device import platform_differences, platform_of
from training.runs.atomic_files import RunError


def with_moments(
    task: ArmTask, start: StartingPoint, device: str, should_stop: Callable[[], bool] = lambda: False
) -> StartingPoint:
    """Return an arm's starting point with the moments that it keeps; as it is for other arms.

    Raises
    ------
    RunError
        If the training cannot be replayed here: it is adopted, of another platform, or of other code that
        gives other weights.
    Interrupted
        If `should_stop` returned true.
    """
    step = task.arm.from_step
    if task.arm.moments != "keep" or step is None:
        return start
    first = Job(task.recipe.first_of_lineage(task.job.arm), task.job.seed)
    there = dataclasses.replace(task, job=first)
    state = _state_at(there, step, task, device, should_stop)
    names = there.setting.optimizer.state_names
    return dataclasses.replace(start, moments={name: state[name] for name in names}, updates=step)


def _state_at(
    there: ArmTask, step: int, task: ArmTask, device: str, should_stop: Callable[[], bool]
) -> Mapping[str, Any]:
    """Return the state of a finished arm at a step: its final one, or that of a replay."""
    from training.execution.arms.replayed_arm import ReplayedArm

    files = there.files
    cure = f"arms.{task.job.arm}.moments = 'zero' restarts the optimizer"
    wanted = f"{task.job}: moments = 'keep' needs a replay of {there.job}"
    done = files.done()
    if done is None or "code" not in done:
        raise RunError(f"{wanted}, which has no record of its training here; {cure}")
    if differences := platform_differences(done.get("platform") or {}, dict(platform_of(device))):
        raise RunError(f"{wanted} on the platform that trained it ({differences}); {cure}")
    if done["steps"] == step and files.has_final_state():
        return files.final_state()
    arm = ReplayedArm(
        there, starting_point(there.recipe, there.run, there.job), device, done.get("slots", ())
    )
    steps, stacked = files.steps().tolist(), files.checkpoints()
    for saved in [saved for saved in steps if saved <= step]:
        if should_stop():
            raise Interrupted
        arm.run_to(saved)
        row = steps.index(saved)
        if any(w.tobytes() != stacked[name][row].tobytes() for name, w in arm.weights().items()):
            raise RunError(
                f"{wanted}, by other code: its weights at step {saved} come out differently; {cure}"
            )
    return arm.state()
