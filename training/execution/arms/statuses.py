"""Status of an arm against a recipe: what it still lacks, if it is finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.config.recipe import Recipe
from training.execution.arms.added_checkpoints import missing_steps
from training.execution.arms.extension import is_short
from training.execution.arms.jobs import Job
from training.inspection.arm_status import arm_status
from training.runs.arm_directory import ArmDir

UNFINISHED = ("new", "half trained", "short")
"""Statuses of an arm that a start trains, or trains on."""


def job_status(recipe: Recipe, files: ArmDir, record: Mapping[str, Any], others: Mapping[Job, str]) -> str:
    """Return the status of a begun arm: as `arm_status`, or `short` or `sparse` for a finished one.

    A short arm has trained less than the recipe's budget allows, a sparse one lacks checkpoints of its grids.
    An arm that was skipped because of its source is new if the source is trained on, or was since.

    Parameters
    ----------
    record : mapping
        As of `arm_status`.
    others : mapping
        Status of every network before this one, its source among them.
    """
    status: str = arm_status(files, record)
    if status == "skipped":
        return "new" if _is_outdated(recipe, files, others) else status
    if status != "done":
        return status
    done = files.done()
    assert done is not None
    if is_short(recipe, files, done):
        return "short"
    return "sparse" if missing_steps(recipe, files, done) else status


def _is_outdated(recipe: Recipe, files: ArmDir, others: Mapping[Job, str]) -> bool:
    """Return True if an arm that was skipped is tried again."""
    read, skipped = recipe.arms[files.arm].arms_read, files.skipped()
    if skipped is None or "source_steps" not in skipped:
        return False
    steps = skipped.get("read_steps", {})
    return any(
        others.get(Job(name, files.seed)) in UNFINISHED
        or _has_grown(
            ArmDir(files.path.parents[2], name, files.seed), steps.get(name, skipped["source_steps"])
        )
        for name in read
    )


def _has_grown(files: ArmDir, before: int | None) -> bool:
    """Return True if a finished arm has more steps than before."""
    done = files.done()
    return done is not None and (before is None or done["steps"] > before)
