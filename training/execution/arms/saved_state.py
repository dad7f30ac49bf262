"""State that an arm goes on from, checked against its other files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from training.execution.arms.arm_in_training import ArmInTraining, identity
from training.execution.arms.replay import ACCEPT, after_other_code, refusal
from training.execution.identity.device import OtherPlatformError, platform_differences
from training.inspection.file_checks import check_half_trained
from training.optimization.evaluation import METRICS
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError


def resumed_state(arm: ArmInTraining) -> dict[str, Any]:
    """Return an arm's saved state, with its curves and checkpoints up to there read.

    Raises
    ------
    OtherPlatformError
        If the state is of another platform and not accepted.
    RunError
        If the state is of another config, or of other code and not accepted, or is damaged.
    """
    files, task = arm.files, arm.task
    with reading_state(files):
        state = files.state()
        check_half_trained(files, task.recipe, state["step"], state.get("checkpoints"))
    if state.get("hash") != task.record()["hash"]:
        raise RunError(f"{files.path}: was begun with another config; --force trains it anew")
    here = identity(task, arm.device)
    reason = refusal(task, state, here, arm.device)
    if reason is not None and not task.start.accept_other:
        message = f"{files.path}: was begun by {reason}; {ACCEPT}, --force trains the arms anew"
        is_elsewhere = platform_differences(state.get("platform") or {}, here["platform"])
        raise OtherPlatformError(message) if is_elsewhere else RunError(message)
    arm.earlier = after_other_code(state, here, is_equal=reason is None)
    arm.slots = list(state.get("slots", []))
    arm.resume(state["step"], list(state.get("checkpoints", range(state["step"] + 1))))
    return state


def check_norms(arm: ArmInTraining, step: int, values: np.ndarray) -> None:
    """Raise a `RunError` unless a state's weights are those evaluated at its step."""
    norms = [METRICS.index(name) for name in ("l1", "l2")]
    last, *evaluated = arm.evaluations[-1]
    if last == step and not np.allclose(values[norms], np.array(evaluated)[norms], rtol=1e-3):
        with reading_state(arm.files):
            raise ValueError(f"its weights are not those of step {step}")


@contextmanager
def reading_state(files: ArmDir) -> Iterator[None]:
    """Turn an error about a saved state into a `RunError` with a cure."""
    try:
        yield
    except (RunError, ValueError, TypeError, KeyError, RuntimeError) as error:
        path, reason = files.path / "state.pt", str(error) or type(error).__name__
        cure = f"delete {path} to train this arm anew"
        raise RunError(f"{path}: its training cannot go on: {reason}; {cure}") from None
