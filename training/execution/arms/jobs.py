"""Networks of a recipe to train, and finished ones elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from training.config.arm_config import current_hash
from training.config.recipe import Recipe
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir


@dataclass(frozen=True)
class Job:
    """One network to train: an arm with a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"


Report = Callable[[Job, int, float], None]
"""Function called with an arm, its step and its test accuracy."""


def jobs(recipe: Recipe, seeds: Sequence[int]) -> list[Job]:
    """Return every arm with each of these seeds, sources before arms that need them."""
    depths = recipe.depths()
    order = sorted(recipe.arms, key=depths.__getitem__)
    return [Job(arm, seed) for arm in order for seed in seeds]


def finished_in_sibling_runs(run: RunDir) -> dict[str, list[ArmDir]]:
    """Return finished arms of the sibling runs, by their config's hash."""
    finished: dict[str, list[ArmDir]] = {}
    for sibling in run.siblings():
        for files in sibling.arms():
            with suppress(RunError, OSError):  # damage to another run does not concern this one
                if (done := files.done()) is not None:
                    finished.setdefault(current_hash(done), []).append(files)
    return finished


def is_of_code(record: Mapping[str, Any], code: str) -> bool:
    """Return True if a record names this digest of code, or has been replayed by it."""
    return code in (record.get("code"), *record.get("compatible_code", []))


def twin_of(
    finished: Mapping[str, Sequence[ArmDir]], config_hash: str, code: str, fits: Callable[[ArmDir], bool]
) -> ArmDir | None:
    """Return a finished arm of another run with a config, of this code if there is one.

    Parameters
    ----------
    fits : callable
        Returns True for an arm that was trained as long as the one that is sought would be.
    """
    twins = [twin for twin in finished.get(config_hash, []) if fits(twin)]
    return next((twin for twin in twins if is_of_code(twin.done() or {}, code)), next(iter(twins), None))
