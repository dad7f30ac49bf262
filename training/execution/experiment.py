"""Experiment: a recipe with its run directory, planned and trained."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.cli.parser import Interrupted
from training.config.arm_config import arm_record
from training.config.plugin_use import used_plugins
from training.config.recipe import Recipe
from training.execution.identity.arm_code import arm_code
from training.execution.identity.start_record import Start, start_record
from training.execution.jobs import Job, finished_in_sibling_runs, is_of_code, jobs, twin_of
from training.execution.plan import ACTIONS, REPLAY, TAKE_OVER, UNFINISHED, Plan
from training.execution.progress import Progress
from training.execution.run_config import (
    check_run,
    describes_otherwise,
    experiment_differences,
    write_run_config,
)
from training.execution.scheduler import launch
from training.execution.sparsity_search import refined
from training.inspection.arm_status import arm_status
from training.inspection.outcomes import SHORT, outcomes
from training.inspection.resource_estimate import Need, estimated_need
from training.runs.run_directory import ArmDir, RunDir
from training.schema.validation import ConfigError

Launch = Callable[..., list[tuple[Job, str]]]
"""Function with the parameters of `scheduler.launch`."""
TRAINED = (
    *(ACTIONS[status] for status in UNFINISHED),
    f"{REPLAY}{ACTIONS['half trained']}",
    f"{REPLAY}{TAKE_OVER}",
)
"""Actions of a plan that need memory and disk."""
MOST_NAMED = 8
"""Arms that a line on stderr names."""


class Experiment:
    """Recipe with its run directory: what is to do in it, and doing it.

    Parameters
    ----------
    text : str
        The recipe's TOML, kept next to the resolved config.
    out : str
        Folder that holds the run directory.
    shard : (int, int)
        (i, n): train the i-th of n shares of the seeds, counted from 1.
    launch : callable
        Trains the unfinished arms.
    """

    def __init__(
        self,
        recipe: Recipe,
        text: str,
        out: str,
        shard: tuple[int, int] = (1, 1),
        launch: Launch = launch,
    ):
        if Path(out).exists() and not Path(out).is_dir():
            raise ConfigError(f"--out: expected a folder, and {out} is a file")
        self.text, self.launch = text, launch
        self.run = RunDir(Path(out) / recipe.name)
        plugins = dict.fromkeys([*recipe.plugins, *used_plugins(recipe)])
        self.recipe = refined(replace(recipe, plugins=tuple(plugins)), self.run)
        i, n = shard
        self.seeds = recipe.seeds[i - 1 :: n]
        if not self.seeds:
            raise ConfigError(
                f"--shard: expected at most {len(recipe.seeds)} shares, one per seed, got {i}/{n}"
            )

    def plan(self, force: bool = False) -> list[dict[str, Any]]:
        """Return what `train` would do, a row per arm and seed."""
        check_run(self.run, self.recipe, force)
        return Plan(self.recipe, self.run, self.seeds, force).rows()

    def need(self, force: bool = False) -> Need:
        """Return the memory and disk that `train` needs, estimated."""
        rows = self.plan(force)
        return estimated_need(self.recipe, [row["arm"] for row in rows if row["todo"] in TRAINED])

    def train(
        self, device: str, workers: int, force: bool = False, accept_other: bool = False
    ) -> list[dict[str, Any]]:
        """Train all unfinished arms and return the outcomes.

        Arms that the recipe's search adds are trained too. Arms that other code or another platform has begun
        are taken over and resumed only with `accept_other`, or if a replay of their first steps gives equal
        bytes.

        Raises
        ------
        RunError
            If the directory holds another experiment (the fields that differ are named), or is damaged.
        Interrupted
            If training was stopped, after everything was saved.
        """
        while True:
            try:
                self._train(device, workers, force, accept_other)
            except Interrupted:
                if force:  # which would delete what is saved
                    raise Interrupted("run the command again without --force to resume") from None
                raise
            searched = refined(self.recipe, self.run)
            if searched is self.recipe:
                return outcomes(self.run, self.recipe)
            self.recipe, force = searched, False

    def _train(self, device: str, workers: int, force: bool, accept_other: bool) -> None:
        """Train the arms of the recipe as it is now."""
        begun = time.monotonic()
        with self.run.locked():
            unfinished = self._prepare(force)
            start = Start(twins={} if force else self._twins(unfinished), accept_other=accept_other)
            if not unfinished:
                return
            entry = self.run.add_provenance(start_record(start, device, workers, self.seeds, unfinished))
        progress = Progress(self.recipe, unfinished)

        def complete_entry(values: dict[str, Any]) -> None:
            with self.run.locked():
                self.run.add_to_provenance(entry, values)

        try:
            self.launch(
                self.recipe,
                self.run,
                unfinished,
                device,
                workers,
                progress,
                lambda resolved: complete_entry({"device": resolved}),
                start,
            )
        finally:
            progress.close()
            taken = self._taken(start)
            trained = [str(job) for job in unfinished if str(job) not in taken]
            seconds = {"seconds": round(time.monotonic() - begun, 1)} if trained else {}
            complete_entry({"arms": trained, "taken": taken, **seconds})

    def _prepare(self, force: bool) -> list[Job]:
        """Check the directory, write its config, and return unfinished arms; `force` deletes all first."""
        check_run(self.run, self.recipe, force)
        all_jobs = jobs(self.recipe, self.seeds)
        if force:
            self._clear(all_jobs)
        unfinished, finished = [], []
        for job in all_jobs:
            files = self._files(job)
            status = "new"
            if files.is_begun():
                status = arm_status(files, self._record(job) | {"code": arm_code(self.recipe, job.arm)})
            if status == "done":
                files.tidy()
                finished.append(job)
            elif status in UNFINISHED:
                unfinished.append(job)
        self._say_if_changed(finished)
        config = self.run.config()
        if unfinished or (config is not None and describes_otherwise(config, self.recipe)):
            write_run_config(self.run, self.recipe, self.text)
        return unfinished

    def _twins(self, unfinished: list[Job]) -> dict[str, str]:
        """Return the run, by arm and seed, that has finished an arm with its config."""
        finished = finished_in_sibling_runs(self.run)
        twins = {
            job: twin_of(finished, self._record(job)["hash"], arm_code(self.recipe, job.arm))
            for job in (unfinished if finished else ())
        }
        return {str(job): str(twin.path.parents[2]) for job, twin in twins.items() if twin is not None}

    def _taken(self, start: Start) -> dict[str, Any]:
        """Return where each arm that this start took over comes from."""
        records = {str(files): (files.done() or {}) for files in self.run.arms() if str(files) in start.twins}
        return {
            arm: {**record["taken_from"], "path": start.twins[arm]}
            for arm, record in records.items()
            if record.get("start") == start.id and "taken_from" in record
        }

    def _say_if_changed(self, finished: list[Job]) -> None:
        """Say on stderr which finished arms other code has trained than is here."""
        changed = []
        for job in finished:
            record = self._files(job).done() or {}
            if "code" in record and not is_of_code(record, arm_code(self.recipe, job.arm)):
                changed.append(f"{job} ({record['code'][:SHORT]})")
        if changed:
            shown = ", ".join(changed[:MOST_NAMED]) + ", …" * (len(changed) > MOST_NAMED)
            print(
                f"{self.run.path}: trained by other code than is here, and kept: {shown}; --force trains "
                "the arms anew",
                file=sys.stderr,
            )

    def _clear(self, all_jobs: list[Job]) -> None:
        """Delete these arms; every arm and seed if the directory holds another experiment."""
        config = self.run.config()
        is_other = config is not None and experiment_differences(config, self.recipe)
        for files in self.run.arms():
            if is_other or Job(files.arm, files.seed) in all_jobs:
                with files.locked():
                    files.clear()

    def _files(self, job: Job) -> ArmDir:
        return self.run.arm(job.arm, job.seed)

    def _record(self, job: Job) -> dict[str, Any]:
        return arm_record(self.recipe, job.arm, job.seed)
