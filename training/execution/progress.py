"""Progress bar on a terminal, progress lines elsewhere."""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Callable, Sequence

from tqdm import tqdm

from training.config.recipe import Recipe
from training.execution.arms.jobs import Job

LINE_SECONDS = 15.0
"""Wall time between two lines of a run whose output is no terminal."""


class Progress:
    """Steps done and left of all arms.

    An arm's share is its budget until it ends.

    Parameters
    ----------
    output : text file, optional
        Where to print; stderr by default.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        recipe: Recipe,
        todo: Sequence[Job],
        output: io.TextIOBase | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.output, self.clock = output or sys.stderr, clock
        self.steps = dict.fromkeys(todo, 0)
        arms = recipe.arms
        self.budget = {job: arms[job.arm].min_steps or arms[job.arm].max_steps for job in todo}
        self.n_ended, self.n_trained = 0, 0
        self.seen: set[Job] = set()
        self.last_line = clock()
        self.trained_at_last_line = 0
        self.bar = tqdm(
            total=sum(self.budget.values()), unit="step", disable=None, smoothing=0.05, file=self.output
        )

    def __call__(self, job: Job, step: int, test_acc: float) -> None:
        """Count an arm's steps up to `step`."""
        self.budget[job] = max(self.budget[job], step)
        accuracy = "" if math.isnan(test_acc) else f", test accuracy {test_acc:.2f}"
        description = f"{job} at step {step:,}{accuracy}"
        new_steps = step - self.steps[job]
        self.steps[job] = step
        if job in self.seen:  # steps before the first report are those of an earlier start
            self.n_trained += new_steps
        self.seen.add(job)
        self.bar.total = sum(self.budget.values())
        self.bar.set_description(description, refresh=False)
        self.bar.update(new_steps)
        if self.bar.disable:
            self._print_line(description)

    def ended(self, job: Job) -> None:
        """Count an arm as ended."""
        self.n_ended += 1
        self.budget[job] = self.steps[job]
        self.bar.total = sum(self.budget.values())
        self.bar.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bar.close()

    def _print_line(self, description: str) -> None:
        seconds = self.clock() - self.last_line
        if seconds < LINE_SECONDS:
            return
        rate = (self.n_trained - self.trained_at_last_line) / seconds
        line = f"{self.n_ended} of {len(self.steps)} networks done; {description}; {rate:,.0f} steps/s"
        print(line, file=self.output, flush=True)
        self.last_line, self.trained_at_last_line = self.clock(), self.n_trained
