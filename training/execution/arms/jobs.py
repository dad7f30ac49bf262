"""Networks of a recipe to train, alone or in a queue, and finished ones elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from training.config.arm import Arm
from training.config.arm_config import arm_record, current_hash
from training.config.recipe import Recipe
from training.config.settings import Setting
from training.execution.identity.start_record import Start
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Job:
    """One network to train: an arm with a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"


@dataclass(frozen=True)
class ArmTask:
    """One network to train, with its recipe, its run directory and the start that trains it."""

    recipe: Recipe
    run: RunDir
    job: Job
    start: Start = field(default_factory=Start)
    number: int = 0
    """Names the task in its queue."""

    @property
    def arm(self) -> Arm:
        """Settings of the arm."""
        return self.recipe.arms[self.job.arm]

    @property
    def setting(self) -> Setting:
        """Task, model and optimizer of the arm."""
        return self.recipe.setting(self.job.arm)

    @property
    def files(self) -> ArmDir:
        """Directory of the arm."""
        return self.run.arm(self.job.arm, self.job.seed)

    def record(self) -> dict[str, Any]:
        """Return the arm's settings and their hash, as DONE says them."""
        return arm_record(self.recipe, self.job.arm, self.job.seed)

    def __str__(self) -> str:
        return str(self.job)


Report = Callable[[ArmTask, int, float], None]
"""Function called with an arm's task, its step and its test accuracy."""


@dataclass(frozen=True)
class EvaluatedNetwork:
    """One network at one evaluation: copies, which a training does not read again."""

    arm: str
    seed: int
    step: int
    metrics: Mapping[str, float]
    """Losses, accuracies and norms, as `metrics.parquet` has them."""
    weights: Mapping[str, np.ndarray]
    """Weights by name, as a checkpoint has them."""
    mask: Mapping[str, np.ndarray] | None
    """1 = kept, by name; None for a network without a method's mask."""


OnEvaluation = Callable[[EvaluatedNetwork], object]


class Channel(ABC):
    """Messages between a training and its queue."""

    on_evaluation: OnEvaluation | None = None
    """Called with every network at every evaluation; it raises nothing."""

    @abstractmethod
    def report(self, task: ArmTask, step: int, test_acc: float) -> None:
        """Tell an arm's step and test accuracy."""

    @abstractmethod
    def ended(self, task: ArmTask, reason: str | None) -> None:
        """Tell that an arm is finished, or for what reason it is not trained."""

    @abstractmethod
    def failed(self, task: ArmTask, error: Exception) -> None:
        """Tell that an arm cannot be trained as its files are; the others go on."""

    @abstractmethod
    def held(self, task: ArmTask) -> None:
        """Tell that another process trains an arm, so that it is tried again later."""

    @abstractmethod
    def more(self) -> Sequence[ArmTask]:
        """Return the arms that are ready since the last call and can be trained along."""

    @abstractmethod
    def should_stop(self) -> bool:
        """Return True once states have to be saved."""


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
