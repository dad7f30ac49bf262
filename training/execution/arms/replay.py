"""Replay of an arm's first steps by the code that is here, against what other code has stored."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from training.config.arm_config import recorded_recipe
from training.execution.arms.extension import has_same_sources
from training.execution.arms.jobs import ArmTask, is_of_code
from training.execution.arms.kept_moments import with_moments
from training.execution.arms.sources.reasons import NotTrained
from training.execution.arms.sources.starting_point import starting_point
from training.execution.identity.device import platform_differences
from training.execution.identity.start_record import commit
from training.inspection.file_checks import check_finished, scheduled_steps
from training.inspection.outcomes import SHORT, UNKNOWN
from training.optimization.evaluation import METRICS
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError

STEPS = 100
"""Steps that are replayed, and on to the next evaluation."""
ACCEPT = "--accept-other takes it all the same"
"""What to type for an arm of other code or of another platform."""


def refusal(task: ArmTask, recorded: Mapping[str, Any], here: Mapping[str, Any], device: str) -> str | None:
    """Return why an arm is not that of this code on this platform; None if it is.

    Under another platform it never is. Under other code it is if the first `STEPS` steps, trained again, give
    the stored bytes: the mask, and the weights and metrics of every step that has them.

    Parameters
    ----------
    task : ArmTask
        The arm, finished or half trained, in the run that holds it.
    recorded, here : mapping
        `code` and `platform` of the arm's record, and of this process. What a record lacks is unknown: an
        unknown platform is not refused, unknown code is replayed.
    """
    if differences := platform_differences(recorded.get("platform") or {}, here["platform"]):
        return f"another platform ({differences})"
    if is_of_code(recorded, here["code"]):
        return None
    if difference := first_difference(task, device, recorded.get("slots", ())):
        there = _named(recorded.get("code"), _commit_of(task.run, recorded.get("start")))
        return f"other code ({there}; here {_named(here['code'], commit())}): {difference}"
    return None


def first_difference(task: ArmTask, device: str, slots: Sequence[Sequence[int]] = ()) -> str | None:
    """Return the first stored value that a replay from step 0 does not give; None if there is none."""
    from training.execution.arms.replayed_arm import ReplayedArm

    files = task.files
    try:
        start = with_moments(task, starting_point(task.recipe, task.run, task.job), device)
    except NotTrained as reason:
        return f"it would not be trained ({reason})"
    mask = files.mask()
    if start.mask is not None and not _equal(
        {name: m.astype(bool) for name, m in start.mask.items()}, mask or {}
    ):
        return "its mask comes out differently"
    arm = ReplayedArm(task, start, device, slots)
    last = files.state_step() if files.done() is None else None
    evaluations = files.metrics()[["step", *METRICS]].to_numpy()
    steps, stacked = files.steps().tolist(), files.checkpoints()
    for step, *values in evaluations:
        if last is not None and step > last:  # written after the state, and trained again from it
            return None
        arm.run_to(int(step))
        evaluated = arm.evaluate()
        if step in steps:
            stored = {name: w[steps.index(step)] for name, w in stacked.items()}
            if not _equal(arm.weights(), stored):
                return f"its weights at step {int(step)} come out differently"
        if not np.array_equal(evaluated, np.array(values), equal_nan=True):
            return f"its metrics at step {int(step)} come out differently"
        if step >= STEPS:
            return None
    return None


def after_other_code(recorded: Mapping[str, Any], here: Mapping[str, Any], is_equal: bool) -> dict[str, Any]:
    """Return the fields of a record about what has trained an arm before.

    Parameters
    ----------
    recorded, here : mapping
        `code`, `platform` and `start` of the arm's state, and of this process.
    is_equal : bool
        True if a replay has shown the code to be equal; False if it was accepted as it is.
    """
    before = {name: recorded[name] for name in ("code", "platform", "start") if name in recorded}
    accepted = list(recorded.get("accepted", []))
    if not is_equal:
        accepted.append(before | {"until_step": recorded["step"]})
    codes = {
        *recorded.get("compatible_code", []),
        *([before["code"]] if is_equal and "code" in before else []),
    }
    more: dict[str, Any] = {"compatible_code": sorted(codes - {here["code"]}), "accepted": accepted}
    more["reduced"] = recorded.get("reduced")  # an arm that is trained on lacks its early checkpoints still
    return {name: values for name, values in more.items() if values}


def taken_over(task: ArmTask, here: Mapping[str, Any], device: str) -> bool:
    """Take an arm from the run that has finished it, if it is that of this code here; say so on stderr."""
    recipe, job, start = task.recipe, task.job, task.start
    if str(job) not in start.twins:
        return False
    run = RunDir(start.twins[str(job)])
    there = replace(task, run=run)
    twin = there.files
    try:
        done = twin.done()
        if done is None or not has_same_sources(recipe, task.run, run, job):
            return False
        check_finished(twin, recipe, done["steps"], _checkpoints_of(twin, done))
        hashes = twin.file_hashes()
        if damaged := [name for name, digest in done.get("files", {}).items() if hashes.get(name) != digest]:
            raise RunError(f"{twin.path / damaged[0]}: its SHA-256 is not the one in DONE")
        reason = refusal(there, done, here, device)
    except (RunError, ConfigError, OSError) as error:
        print(f"{job}: trained here, not taken from another run: {error}", file=sys.stderr)
        return False
    if reason is not None and not start.accept_other:
        print(f"{job}: trained here, not taken from {twin.path}, of {reason}; {ACCEPT}", file=sys.stderr)
        return False
    if reason is None:
        done = with_compatible_code(done, here["code"])
        with suppress(OSError):  # a neighbor on a read-only disk is replayed at every take-over
            twin.rewrite_done(done)
    came_from = {"run": run.path.name, "start": done.get("start")}
    task.files.take_over(twin, done | {"start": start.id, "taken_from": done.get("taken_from", came_from)})
    print(f"{job}: taken from {twin.path}, trained there with the same config", file=sys.stderr)
    return True


def _checkpoints_of(files: ArmDir, done: Mapping[str, Any]) -> list[int]:
    """Return the steps at which a finished arm has to have checkpoints.

    Where its record has no hashes, they are those of the recorded grids.
    """
    if "checkpoints.safetensors" in done.get("files", {}):
        return files.steps().tolist()
    return scheduled_steps(recorded_recipe(done["config"]), files.arm, done["steps"])


def with_compatible_code(done: dict[str, Any], code: str) -> dict[str, Any]:
    """Return an arm's record with another digest that it has been replayed by."""
    if is_of_code(done, code):
        return done
    return done | {"compatible_code": sorted({*done.get("compatible_code", []), code})}


def _commit_of(run: RunDir, start: str | None) -> str | None:
    """Return the commit of a run's start; None if unknown."""
    starts = [] if start is None else run.provenance() or []
    return next((entry.get("commit") for entry in starts if entry.get("id") == start), None)


def _named(code: str | None, commit: str | None) -> str:
    digest = (code or UNKNOWN)[:SHORT]
    return f"{digest} of commit {commit[:SHORT]}{'+' * commit.endswith('+')}" if commit else digest


def _equal(some: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]) -> bool:
    """Return True if two tables of arrays have the same names, types and bytes."""
    return some.keys() == others.keys() and all(
        w.dtype == others[name].dtype
        and w.shape == others[name].shape
        and w.tobytes() == others[name].tobytes()
        for name, w in some.items()
    )
