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
from training.config.plugin_use import changed_code, used_plugins
from training.config.recipe import Recipe
from training.execution.jobs import Job, finished_in_sibling_runs, jobs
from training.execution.plan import ACTIONS, UNFINISHED, Plan
from training.execution.progress import Progress
from training.execution.provenance import provenance
from training.execution.run_config import (
    check_run,
    describes_otherwise,
    experiment_differences,
    write_run_config,
)
from training.execution.scheduler import launch
from training.execution.sparsity_search import refined
from training.inspection.arm_status import arm_status
from training.inspection.file_checks import check_finished
from training.inspection.outcomes import outcomes
from training.inspection.resource_estimate import Need, check_need, estimated_need
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.validation import ConfigError

Launch = Callable[..., list[tuple[Job, str]]]
"""Function with the parameters of `scheduler.launch`."""
TRAINED = tuple(ACTIONS[status] for status in UNFINISHED)
"""Actions of a plan that need memory and disk."""


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

    def check_need(self, device: str, workers: int, force: bool = False) -> None:
        """Raise a `ConfigError` if `train` needs more memory or disk than is free."""
        on_gpu = device.startswith(("cuda", "mps"))  # there one worker trains all networks
        check_need(self.need(force), self.run.path, workers=1 if on_gpu else workers)

    def train(self, device: str, workers: int, force: bool = False) -> list[dict[str, Any]]:
        """Train all unfinished arms and return the outcomes.

        Arms that the recipe's search adds are trained too.

        Raises
        ------
        RunError
            If the directory holds another experiment (the fields that differ are named), or is damaged.
        Interrupted
            If training was stopped, after everything was saved.
        """
        while True:
            try:
                self._train(device, workers, force)
            except Interrupted:
                if force:  # which would delete what is saved
                    raise Interrupted("run the command again without --force to resume") from None
                raise
            searched = refined(self.recipe, self.run)
            if searched is self.recipe:
                return outcomes(self.run, self.recipe)
            self.recipe, force = searched, False

    def _train(self, device: str, workers: int, force: bool) -> None:
        """Train the arms of the recipe as it is now."""
        begun = time.monotonic()
        with self.run.locked():
            unfinished = self._prepare(force)
            taken = {} if force else self._take_over(unfinished)
            todo = [job for job in unfinished if job not in taken]
            if unfinished:
                entry = self.run.add_provenance(provenance(device, workers, self.seeds, todo, taken))
        if not todo:
            return
        progress = Progress(self.recipe, todo)

        def complete_entry(values: dict[str, Any]) -> None:
            with self.run.locked():
                self.run.add_to_provenance(entry, values)

        try:
            self.launch(
                self.recipe,
                self.run,
                todo,
                device,
                workers,
                progress,
                lambda resolved: complete_entry({"device": resolved}),
            )
        finally:
            progress.close()
            complete_entry({"seconds": round(time.monotonic() - begun, 1)})

    def _prepare(self, force: bool) -> list[Job]:
        """Check the directory, write its config, and return unfinished arms; `force` deletes all first."""
        check_run(self.run, self.recipe, force)
        all_jobs = jobs(self.recipe, self.seeds)
        if force:
            self._clear(all_jobs)
        unfinished = []
        for job in all_jobs:
            files = self._files(job)
            status = arm_status(files, self._record(job)) if files.is_begun() else "new"
            if status == "done":
                self._files(job).tidy()
                self._say_if_changed(job)
            elif status in UNFINISHED:
                unfinished.append(job)
        config = self.run.config()
        if unfinished or (config is not None and describes_otherwise(config, self.recipe)):
            write_run_config(self.run, self.recipe, self.text)
        return unfinished

    def _take_over(self, todo: list[Job]) -> dict[Job, str]:
        """Take finished arms of sibling runs; return the folder of each."""
        finished, taken = finished_in_sibling_runs(self.run), {}
        for job in todo if finished else ():
            twin = finished.get(self._record(job)["hash"])
            if twin is not None and not changed_code(self.recipe, job.arm, twin.done() or {}):
                if not self._is_sound(job, twin):
                    continue
                files = self._files(job)
                with files.locked():
                    files.take_over(twin)
                taken[job] = str(twin.path)
                print(f"{job}: taken from {twin.path}, trained there with the same config", file=sys.stderr)
        return taken

    def _is_sound(self, job: Job, twin: ArmDir) -> bool:
        """Return True if another run's finished network can be taken.

        Why not is said on stderr.
        """
        try:
            done = twin.done() or {}
            check_finished(ArmDir(twin.path.parents[2], job.arm, job.seed), self.recipe, done["steps"])
        except (RunError, OSError) as error:
            print(f"{job}: trained here, not taken from another run: {error}", file=sys.stderr)
            return False
        return True

    def _say_if_changed(self, job: Job) -> None:
        """Name on stderr what a plug-in has changed since an arm was trained."""
        if changed := changed_code(self.recipe, job.arm, self._files(job).done() or {}):
            print(
                f"{job}: trained by other code of {', '.join(changed)}; --force trains it anew",
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
