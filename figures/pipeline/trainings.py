"""Trainings of a plan's recipes, from one queue of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from figures.pipeline.freshness import Folder
from training.config.recipe_files import read_given_recipe
from training.execution.experiment import Experiment
from training.execution.joint_training import JointTraining
from training.execution.scheduling.worker_pool import WorkerPool
from training.runs.file_lock import Claims


class Trainings:
    """Recipes trained side by side, on cores that other tasks leave free.

    Parameters
    ----------
    recipes : sequence of str
        Names, in the order in which their networks are trained.
    stopping : list
        Not empty once training has to stop.
    """

    def __init__(
        self, recipes: Sequence[str], folder: Folder, cores: int, claims: Claims, stopping: list[int]
    ):
        self.failures: dict[str, Exception] = {}
        self.ended: list[str] = []
        """Recipes that have ended since they were last taken from here."""
        self._recipe_of: dict[Experiment, str] = {}
        self._processes = ExitStack()
        self._joint = JointTraining("auto", cores, when_done=self._done)
        self._pool: WorkerPool | None = None
        for recipe in recipes:
            given = read_given_recipe(recipe, quick=folder.quick)
            experiment = Experiment(given.recipe, given.text, out=str(folder.runs), bases=given.bases)
            self._recipe_of[experiment] = recipe
            self._joint.submit(experiment)
        if self._joint.queue:
            self._pool = WorkerPool(self._joint.queue, stopping, self._processes, claims.environment)
            self._joint.note_device(self._pool.resolve("auto"))

    @property
    def cores(self) -> int:
        """Number of cores in use: one per working process."""
        return 0 if self._pool is None else len(self._pool.running)

    def advance(self, n_free: int) -> None:
        """Start ready networks on free cores, and take what has been told of those that run."""
        if self._pool is not None:
            self._pool.start_ready(self.cores + n_free)
            self._pool.handle_messages(timeout=0.0)

    def shares_done(self) -> Mapping[str, float]:
        """Return the share of each recipe's networks that have ended, while some have not."""
        return {
            part.recipe.name: 1 - part.n_left / len(part.todo)
            for part in self._joint.queue.submissions
            if part.n_left
        }

    def stop(self) -> None:
        """Let every process save what it has, and wait for it."""
        if self._pool is not None:
            self._pool.finish()
        self._processes.close()
        self._joint.close()

    def _done(self, experiment: Experiment) -> None:
        recipe = self._recipe_of[experiment]
        if experiment in self._joint.failures:
            self.failures[recipe] = self._joint.failures[experiment]
        self.ended.append(recipe)
