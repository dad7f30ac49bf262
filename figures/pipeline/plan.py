"""Plan of the commands that some figures still need: training, analyses, drawing."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from analyses.tables.inputs import RunInputs
from analyses.tables.origin import is_current
from analyses.tables.schema import Table
from figures.drawing.figure_spec import FigureSpec
from figures.pipeline import cost_model
from figures.pipeline.freshness import (
    Folder,
    count_networks_left,
    is_drawn,
    needed_tables,
)
from training.inspection.run import open_run
from training.runs.atomic_files import RunError
from training.schema.plugins import plugin_arguments

PYTHON = (sys.executable, "-m")
PARALLEL = ("graph_props", "progress", "ablation", "stitching")
"""Analyses that take `--jobs`."""


@dataclass(frozen=True)
class Task:
    """One command, and the tasks that come before it."""

    name: str
    command: tuple[str, ...]
    core_seconds: float
    """Expected cost."""
    after: frozenset[str] = frozenset()
    """Names of tasks."""
    most_jobs: int | None = None
    """Number of cores that can share it, given by `--jobs`; None for a command of one process."""
    recipe: str | None = None
    """Recipe to train, from the queue of all networks, in place of a command."""


class Plan:
    """Tasks between a folder of runs and the pictures of some figures.

    Parameters
    ----------
    search : bool
        As for `count_networks_left`.
    """

    def __init__(self, figures: Sequence[FigureSpec], folder: Folder, n_cores: int, search: bool = True):
        self.folder, self.n_cores = folder, n_cores
        self.costs = cost_model.expected_costs(folder)
        self.training_state: dict[str, str] = {}
        """By recipe: trained, part, missing; or refused, if its folder holds another experiment."""
        self.tasks: dict[str, Task] = {}
        """In order of need."""
        self._inputs: dict[str, RunInputs] = {}
        tables = needed_tables(figures)
        training = {
            recipe: self._training(recipe, search) for recipe in dict.fromkeys(recipe for recipe, _ in tables)
        }
        measuring = {need: self._measuring(*need, tables[need], training[need[0]]) for need in tables}
        for figure in figures:
            before = [task for need in figure.needs for task in (training[need[0]], measuring[need])]
            drawing = self._drawing(figure, [measuring[need] for need in figure.needs])
            self.tasks |= {task.name: task for task in (*before, drawing) if task is not None}

    def tasks_of(self, figure: FigureSpec) -> list[Task]:
        """Return the tasks of one figure, those that other figures share too."""
        names = [f"drawing {figure.name}"]
        for name in names:
            names += self.tasks[name].after if name in self.tasks else ()
        return [task for name, task in self.tasks.items() if name in names]

    def seconds(self, tasks: Sequence[Task]) -> float:
        """Return the expected time of tasks, with all cores in use."""
        return sum(task.core_seconds for task in tasks) / self.n_cores

    def _training(self, recipe: str, search: bool) -> Task | None:
        try:
            n_left, n = count_networks_left(self.folder, recipe, search)
        except RunError:
            n_left = n = 1
            self.training_state[recipe] = "refused"
        else:
            self.training_state[recipe] = {0: "trained", n: "missing"}.get(n_left, "part")
        if not n_left:
            return None
        return self._task(f"training {recipe}", share=n_left / n, recipe=recipe)

    def _measuring(
        self, recipe: str, analysis: str, tables: Collection[Table], training: Task | None
    ) -> Task | None:
        run = self.folder.run(recipe)
        if training is None:
            if recipe not in self._inputs:
                self._inputs[recipe] = RunInputs(open_run(run))
            if is_current(run, self._inputs[recipe], analysis, tables):
                return None
        command = ("analyses", analysis, "--run", str(run.path), "--no-plot")
        most = self.n_cores if analysis in PARALLEL else None
        return self._task(f"{analysis} {recipe}", command, [training], most_jobs=most)

    def _drawing(self, figure: FigureSpec, measuring: Sequence[Task | None]) -> Task | None:
        if not any(measuring) and is_drawn(self.folder, figure):
            return None
        quick = ("--quick",) if self.folder.quick else ()
        command = ("figures", "draw", figure.name, *quick, "--runs", str(self.folder.root))
        return self._task(f"drawing {figure.name}", command, measuring)

    def _task(
        self,
        name: str,
        command: tuple[str, ...] = (),
        after: Sequence[Task | None] = (),
        share: float = 1.0,
        most_jobs: int | None = None,
        recipe: str | None = None,
    ) -> Task:
        return Task(
            name=name,
            command=(*PYTHON, *command, *plugin_arguments()),
            recipe=recipe,
            core_seconds=share * cost_model.expected_cost(self.costs, self.folder, name),
            after=frozenset(task.name for task in after if task is not None),
            most_jobs=most_jobs,
        )
