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

Network = tuple[str, Job]
"""Recipe's name, arm and seed."""
LINE_SECONDS = 15.0
"""Wall time between two lines of a run whose output is no terminal."""


class Progress:
    """Steps done and left of all networks of a queue.

    A network's share is its budget until it ends.

    Parameters
    ----------
    output : text file, optional
        Where to print; stderr by default.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        output: io.TextIOBase | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.output, self.clock = output or sys.stderr, clock
        self.steps: dict[Network, int] = {}
        self.budget: dict[Network, int] = {}
        self.recipes: set[str] = set()
        """Names of all recipes."""
        self.n_ended, self.n_trained = 0, 0
        self.seen: set[Network] = set()
        self.last_line = clock()
        self.trained_at_last_line = 0
        self.bar = tqdm(total=0, unit="step", disable=None, smoothing=0.05, file=self.output)

    def add(self, recipe: Recipe, todo: Sequence[Job]) -> None:
        """Count a recipe's networks among those to train."""
        for job in todo:
            arm = recipe.arms[job.arm]
            self.steps[recipe.name, job] = 0
            self._set_budget((recipe.name, job), arm.min_steps or arm.max_steps)
        self.recipes.add(recipe.name)

    def __call__(self, recipe: Recipe, job: Job, step: int, test_acc: float) -> None:
        """Count a network's steps up to `step`."""
        network = (recipe.name, job)
        self._set_budget(network, max(self.budget[network], step))
        accuracy = "" if math.isnan(test_acc) else f", test accuracy {test_acc:.2f}"
        description = f"{'' if len(self.recipes) == 1 else f'{recipe.name} '}{job} at step {step:,}{accuracy}"
        new_steps = step - self.steps[network]
        self.steps[network] = step
        if network in self.seen:  # steps before the first report are those of an earlier start
            self.n_trained += new_steps
        self.seen.add(network)
        self.bar.set_description(description, refresh=False)
        self.bar.update(new_steps)
        if self.bar.disable:
            self._print_line(description)

    def ended(self, recipe: Recipe, job: Job) -> None:
        """Count a network as ended."""
        self.n_ended += 1
        self._set_budget((recipe.name, job), self.steps[recipe.name, job])
        self.bar.refresh()

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.bar.close()

    def _set_budget(self, network: Network, steps: int) -> None:
        """Set a network's budget, and the bar's total with it."""
        self.bar.total += steps - self.budget.get(network, 0)
        self.budget[network] = steps

    def _print_line(self, description: str) -> None:
        seconds = self.clock() - self.last_line
        if seconds < LINE_SECONDS:
            return
        rate = (self.n_trained - self.trained_at_last_line) / seconds
        line = f"{self.n_ended} of {len(self.steps)} networks done; {description}; {rate:,.0f} steps/s"
        print(line, file=self.output, flush=True)
        self.last_line, self.trained_at_last_line = self.clock(), self.n_trained
