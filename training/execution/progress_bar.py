"""One bar over all arms of a run, with an estimate of what is left; silent off a terminal."""

from __future__ import annotations

import math

from tqdm import tqdm

from training.config.recipe import Recipe
from training.execution.jobs import Job


class Progress:
    """Counts steps. An arm's share is its budget until it ends earlier, or is extended."""

    def __init__(self, recipe: Recipe, todo: list[Job]):
        self.recipe = recipe
        self.seen = dict.fromkeys(todo, 0)
        arms = recipe.arms
        self.budget = {job: arms[job.arm].min_steps or arms[job.arm].max_steps for job in todo}
        self.bar = tqdm(total=sum(self.budget.values()), unit="step", disable=None, smoothing=0.05)

    def __call__(self, job: Job, step: int, test_acc: float) -> None:
        """Take note that `job` has reached `step`."""
        self.budget[job] = max(self.budget[job], step)
        self.bar.total = sum(self.budget.values())
        accuracy = "" if math.isnan(test_acc) else f": test accuracy {test_acc:.2f}"
        self.bar.set_description(f"{job} at {step:,}{accuracy}", refresh=False)
        self.bar.update(step - self.seen[job])
        self.seen[job] = step

    def ended(self, job: Job) -> None:
        """Take note that `job` trains no further."""
        self.budget[job] = self.seen[job]
        self.bar.total = sum(self.budget.values())
        self.bar.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bar.close()
