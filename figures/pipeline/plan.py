"""Which tasks are left for some figures, in order of need: commands of training, of analyses, of drawing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from figures.catalogue.figure_spec import Entry
from figures.pipeline import cost_model as costs
from figures.pipeline.freshness import Folder, is_analysed, is_drawn, networks_left, tables_wanted
from training.config.recipe_files import read_recipe
from training.runs.atomic_files import RunError

PYTHON = (sys.executable, "-m")
SHARED_OUT = ("graph_props", "progress")
"""Analyses that take `--jobs`."""


@dataclass(frozen=True)
class Task:
    """One command, and what has to be done before it."""

    name: str
    command: tuple[str, ...]
    core_seconds: float
    """What it is expected to cost."""
    after: frozenset[str] = frozenset()
    """Names of tasks."""
    most_jobs: int | None = None
    """So many cores can share it, told by `--jobs`; None for a command of one process."""

    def cores(self, free: int) -> int:
        """How many of the free cores it takes."""
        return min(free, self.most_jobs or 1)

    def started_with(self, cores: int) -> tuple[str, ...]:
        """The command for so many cores."""
        return self.command if self.most_jobs is None else (*self.command, "--jobs", str(cores))


class Plan:
    """What stands between a folder of runs and the pictures of some entries.

    `search` is that of `networks_left`.
    """

    def __init__(self, entries: Sequence[Entry], folder: Folder, cores: int, search: bool = True):
        self.folder, self.cores = folder, cores
        self.known = costs.expected(folder)
        self.standing: dict[str, str] = {}
        """By recipe: trained, part, missing; or refused, if its folder holds another experiment."""
        self.tasks: dict[str, Task] = {}
        """In order of need."""
        wanted = tables_wanted(entries)
        found = {recipe: self._training(recipe, search) for recipe in dict.fromkeys(of for of, _ in wanted)}
        measuring = {need: self._measuring(*need, tables, found[need[0]]) for need, tables in wanted.items()}
        for entry in entries:
            needed = [task for need in entry.needs for task in (found[need[0]], measuring[need])]
            drawing = self._drawing(entry, [measuring[need] for need in entry.needs])
            self.tasks |= {task.name: task for task in (*needed, drawing) if task is not None}

    def left(self, entry: Entry) -> list[Task]:
        """The tasks of one entry, those that it shares with others too."""
        names = [f"drawing {entry.name}"]
        for name in names:
            names += self.tasks[name].after if name in self.tasks else ()
        return [task for name, task in self.tasks.items() if name in names]

    def seconds(self, tasks: Sequence[Task]) -> float:
        """What tasks are expected to take with all cores at work."""
        return sum(task.core_seconds for task in tasks) / self.cores

    def _training(self, recipe: str, search: bool) -> Task | None:
        try:
            left, n = networks_left(self.folder, recipe, search)
        except RunError:
            left = n = 1
            self.standing[recipe] = "refused"
        else:
            self.standing[recipe] = {0: "trained", n: "missing"}.get(left, "part")
        if not left:
            return None
        quick = ("--quick",) if self.folder.quick else ()
        content, _ = read_recipe(recipe, quick=self.folder.quick)
        roots = [arm for arm in content.arms.values() if arm.source is None]
        return self._task(
            f"training {recipe}",
            ("training", recipe, *quick, "--out", str(self.folder.runs)),
            share=left / n,
            most_jobs=len(roots) * len(content.seeds),
        )

    def _measuring(self, recipe: str, analysis: str, tables: set[str], training: Task | None) -> Task | None:
        run = self.folder.run(recipe)
        if training is None and is_analysed(run, analysis, tables):
            return None
        command = (f"analyses.{analysis}", "--run", str(run.path), "--no-plot")
        most = self.cores if analysis in SHARED_OUT else None
        return self._task(f"{analysis} {recipe}", command, [training], most_jobs=most)

    def _drawing(self, entry: Entry, measuring: Sequence[Task | None]) -> Task | None:
        if not any(measuring) and is_drawn(self.folder, entry):
            return None
        quick = ("--quick",) if self.folder.quick else ()
        command = ("figures", "draw", entry.name, *quick, "--runs", str(self.folder.root))
        return self._task(f"drawing {entry.name}", command, measuring)

    def _task(
        self,
        name: str,
        command: tuple[str, ...],
        after: Sequence[Task | None] = (),
        share: float = 1.0,
        most_jobs: int | None = None,
    ) -> Task:
        return Task(
            name=name,
            command=(*PYTHON, *command),
            core_seconds=share * costs.cost(self.known, self.folder, name),
            after=frozenset(task.name for task in after if task is not None),
            most_jobs=most_jobs,
        )
