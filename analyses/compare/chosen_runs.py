"""Runs that are compared, opened and checked against each other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyses.compare.schema import ANALYSIS
from analyses.loading.chosen_networks import open_networks
from analyses.loading.needs import LeftOut, admitted
from analyses.tables.inputs import Inputs, RunInputs
from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.inspection.run import open_run
from training.inspection.trained_network import Network
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, names


@dataclass(frozen=True)
class ChosenRun:
    """One of the compared runs, and those of its arms that are compared."""

    name: str
    files: RunDir
    arms: list[str]
    seeds: Sequence[int] | None
    """Seeds that are compared; None for all."""
    networks: list[Network]
    left_out: list[LeftOut]
    inputs: Inputs
    """Config, networks and files that are read."""

    @property
    def recipe(self) -> Recipe:
        """Recipe that the run was trained by."""
        return self.networks[0].recipe

    def tasks(self) -> list[str]:
        """Return the tasks of its arms, in words."""
        return list(dict.fromkeys(self.recipe.setting(arm).task.describe() for arm in self.arms))


def choose_runs(
    paths: Sequence[str], arms: Sequence[str] | None, seeds: Sequence[int] | None = None
) -> list[ChosenRun]:
    """Return the runs, each with its arms among those asked for.

    Raises
    ------
    ConfigError
        If there are fewer than two, one is given twice, no run has an arm that is asked for, or the runs are
        not judged alike.
    RunError
        If one is damaged, holds nothing finished, or no network with curves.
    """
    folders = [Path(path).resolve() for path in paths]
    if len(set(folders)) < max(2, len(folders)):
        raise ConfigError(f"--runs: expected two different runs or more, got {', '.join(paths)}")
    recipes = [open_run(path).recipe for path in paths]
    every = list(dict.fromkeys(arm for recipe in recipes for arm in recipe.arms))
    if unknown := [arm for arm in arms or () if arm not in every]:
        raise ConfigError(f"--arms: expected some of {names(every)}, got {names(unknown)}")
    run_names = [folder.name for folder in folders]
    if len(set(run_names)) < len(run_names):
        run_names = list(paths)
    chosen = []
    for name, path, recipe in zip(run_names, paths, recipes, strict=True):
        of_run = [arm for arm in recipe.arms if arms is None or arm in arms]
        if not of_run:
            raise ConfigError(
                f"--arms: expected an arm of every run, got none of {name}: {names(recipe.arms)}"
            )
        opened = open_networks(path, None if arms is None else of_run, seeds)
        inputs = RunInputs(opened.run).read(ANALYSIS.reads, opened.finished, opened.reasons())
        networks, left_out = admitted(ANALYSIS, opened.finished)
        left_out = [*opened.unfinished, *left_out]
        chosen.append(ChosenRun(name, opened.run.files, of_run, seeds, networks, left_out, inputs))
    _refuse_other_criteria(chosen)
    return chosen


def _refuse_other_criteria(runs: Sequence[ChosenRun]) -> None:
    """Raise a `ConfigError` if networks are judged in different ways."""
    by_criterion: dict[Criterion, dict[str, None]] = {}
    for run in runs:
        for arm in run.arms:
            by_criterion.setdefault(run.recipe.setting(arm).criterion, {})[run.name] = None
    if len(by_criterion) > 1:
        words = "; ".join(f"{', '.join(named)}: {_words(c)}" for c, named in by_criterion.items())
        raise ConfigError(
            f"--runs: expected networks that are judged alike, got {words}; "
            "choose others, or arms that are, by --arms"
        )


def _words(criterion: Criterion) -> str:
    way = "from" if criterion.direction == "up" else "down to"
    return f"{criterion.quantity} {way} {criterion.level:g}"


def inputs_of(runs: Sequence[ChosenRun]) -> Inputs:
    """Return what is read of all runs, each network with its run's name."""
    parts = [f"{run.name} {run.inputs.config}" for run in runs]

    def joined(field: str) -> dict[str, Any]:
        return {
            f"{run.name}: {name}": value for run in runs for name, value in getattr(run.inputs, field).items()
        }

    return Inputs(
        config=hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        files=joined("files"),
        unfinished=joined("unfinished"),
        left_out=joined("left_out"),
    )
