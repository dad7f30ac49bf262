"""Networks of a recipe to train, and the status of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from training.config.arm_config import current_hash
from training.config.recipe import Recipe
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.validation import differences

Status = Literal["done", "skipped", "half trained", "new"]


@dataclass(frozen=True)
class Job:
    """One network to train: an arm with a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"


def jobs(recipe: Recipe, seeds: Sequence[int]) -> list[Job]:
    """Return every arm with each of these seeds, sources before arms that need them."""
    order = sorted(recipe.arms, key=lambda arm: len(recipe.lineage(arm)))
    return [Job(arm, seed) for arm in order for seed in seeds]


def arm_status(files: ArmDir, record: Mapping[str, Any]) -> Status:
    """Return the status of an arm: `done`, `skipped`, `half trained` or `new`.

    Parameters
    ----------
    record : mapping
        Hash and config of the arm as the recipe has it now.

    Raises
    ------
    RunError
        If the arm was finished with another config; the message lists the fields that differ.
    """
    done, skipped = files.done(), files.skipped()
    if done is not None:
        if done["hash"] != record["hash"] and current_hash(done) != record["hash"]:
            fields = "; ".join(differences(done.get("config", {}), record["config"])) or "the hash alone"
            raise RunError(f"{files.path}: trained with another config ({fields}); --force trains it anew")
        return "done"
    if skipped is not None and skipped.get("hash") == record["hash"]:
        return "skipped"
    return "half trained" if files.has_state() else "new"


def finished_in_sibling_runs(run: RunDir) -> dict[str, ArmDir]:
    """Return finished arms of the sibling runs, by their config's hash."""
    finished: dict[str, ArmDir] = {}
    for sibling in run.siblings():
        for files in sibling.arms():
            with suppress(RunError):  # damage to another run does not concern this one
                if (done := files.done()) is not None:
                    finished.setdefault(current_hash(done), files)
    return finished
