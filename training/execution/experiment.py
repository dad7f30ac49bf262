"""Experiment: a recipe with its run directory, planned and trained."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Mapping
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
    changed_bases,
    describes_otherwise,
    kept_arms,
    merged_recipe,
    write_run_config,
)
from training.execution.scheduler import launch
from training.execution.sparsity_search import refined
from training.inspection.arm_status import arm_status
from training.inspection.file_checks import check_finished
from training.inspection.outcomes import outcomes
from training.inspection.resource_estimate import Need, estimated_need
from training.runs.atomic_files import RunError
from training.runs.replaced_arms import arm_size, move_aside, new_entry
from training.runs.run_directory import ArmDir, RunDir
from training.schema.plain_content import shortened
from training.schema.validation import ConfigError, names, require

Launch = Callable[..., list[tuple[Job, str]]]
"""Function with the parameters of `scheduler.launch`."""
TRAINED = tuple(ACTIONS[status] for status in UNFINISHED)
"""Actions of a plan that need memory and disk."""
Force = bool | Collection[str]
"""Networks to train anew: all of a start, none, or those of some arms."""


class Experiment:
    """Recipe with its run directory: what is to do in it, and doing it.

    Parameters
    ----------
    text : str
        The user's TOML, kept next to the resolved recipe; empty for a recipe that a run has saved.
    out : str
        Folder that holds the run directory.
    shard : (int, int)
        (i, n): train the i-th of n shares of the seeds, counted from 1.
    launch : callable
        Trains the unfinished arms.
    folder : Path, optional
        Run directory, in place of the folder of the recipe's name in `out`.
    bases : mapping, optional
        SHA-256 of every base that the recipe was made from, by name or path; by default those that the run
        has recorded.
    """

    def __init__(
        self,
        recipe: Recipe,
        text: str,
        out: str,
        shard: tuple[int, int] = (1, 1),
        launch: Launch = launch,
        folder: Path | None = None,
        bases: Mapping[str, str] | None = None,
    ):
        if Path(out).exists() and not Path(out).is_dir():
            raise ConfigError(f"--out: expected a folder, and {out} is a file")
        for arm, settings in recipe.arms.items():
            is_known = (settings.task or recipe.task).split_known
            require(is_known, "task.split_known", f"true for an arm that is trained, as {arm}", is_known)
        self.text, self.launch, self.bases = text, launch, bases
        self.run = RunDir(Path(out) / recipe.name if folder is None else folder)
        plugins = dict.fromkeys([*recipe.plugins, *used_plugins(recipe)])
        self.recipe = refined(replace(recipe, plugins=tuple(plugins)), self.run)
        i, n = shard
        self.seeds = recipe.seeds[i - 1 :: n]
        if not self.seeds:
            raise ConfigError(
                f"--shard: expected at most {len(recipe.seeds)} shares, one per seed, got {i}/{n}"
            )

    def plan(self, force: Force = False) -> list[dict[str, Any]]:
        """Return what `train` would do, a row per arm and seed."""
        forced = self._forced(force)
        merged_recipe(self.run, self.recipe, forced)
        return Plan(self.recipe, self.run, self.seeds, forced).rows()

    def changed_bases(self) -> list[str]:
        """Return a line per base of the recipe that has changed since the run was made from it."""
        return changed_bases(self.run, self.bases or {})

    def need(self, force: Force = False) -> Need:
        """Return the memory and disk that `train` needs, estimated."""
        rows = self.plan(force)
        return estimated_need(self.recipe, [row["arm"] for row in rows if row["todo"] in TRAINED])

    def train(self, device: str, workers: int, force: Force = False) -> list[dict[str, Any]]:
        """Train all unfinished arms and return the outcomes.

        Arms that the recipe's search adds are trained too.

        Parameters
        ----------
        force : bool, or collection of str
            Move all networks of this start aside first, or those of some arms, and train them anew.

        Raises
        ------
        RunError
            If the directory holds one of these arms with another config (the fields that differ are named),
            or is damaged.
        Interrupted
            If training was stopped, after everything was saved.
        """
        for line in self.changed_bases():
            print(line, file=sys.stderr)
        while True:
            try:
                self._train(device, workers, force)
            except Interrupted:
                if force:  # which would move aside what is saved
                    raise Interrupted("run the command again without --force to resume") from None
                raise
            searched = refined(self.recipe, self.run)
            if searched is self.recipe:
                return outcomes(self.run, self.recipe)
            self.recipe, force = searched, False

    def _train(self, device: str, workers: int, force: Force) -> None:
        """Train the arms of the recipe as it is now."""
        begun = time.monotonic()
        with self.run.locked():
            forced = self._forced(force)
            unfinished = self._prepare(forced)
            taken = self._take_over([job for job in unfinished if job not in forced])
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

    def _forced(self, force: Force) -> list[Job]:
        """Return the networks of this start that are trained anew."""
        if isinstance(force, bool):
            return jobs(self.recipe, self.seeds) if force else []
        for arm in force:
            require(arm in self.recipe.arms, "--force-arms", f"some of {names(self.recipe.arms)}", arm)
        return [job for job in jobs(self.recipe, self.seeds) if job.arm in force]

    def _prepare(self, forced: Collection[Job]) -> list[Job]:
        """Check the directory, write its config, and return unfinished arms; `forced` are moved aside."""
        union = merged_recipe(self.run, self.recipe, forced)
        self._move_aside(forced)
        unfinished = []
        for job in jobs(self.recipe, self.seeds):
            files = self._files(job)
            status = arm_status(files, self._record(job)) if files.is_begun() else "new"
            if status == "done":
                self._files(job).tidy()
                self._say_if_changed(job)
            elif status in UNFINISHED:
                unfinished.append(job)
        if unfinished or describes_otherwise(self.run, union):
            write_run_config(self.run, union, self.text, self.bases)
        if kept := kept_arms(self.recipe, union):
            print(f"{self.run.path}: keeps {names(kept)}, which this recipe does not have", file=sys.stderr)
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

        Why not is said on stderr."""
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

    def _move_aside(self, forced: Collection[Job]) -> None:
        """Move these networks' files to `arms/.replaced`, once no other process holds one."""
        present = [files for job in forced if arm_size(files := self._files(job))]
        for files in present:
            with files.locked():
                pass
        entry = new_entry(self.run)
        for files in present:
            with files.locked():
                move_aside(self.run, files, entry)
        if not present:
            return
        moved = shortened(", ".join(map(str, present)), 200)
        cure = f"'python -m training discard {self.run.path} --yes' deletes them"
        print(f"moved to {self.run.path}/arms/.replaced/{entry}: {moved}; {cure}", file=sys.stderr)
        for job in self._made_from(present):
            print(f"{job}: stays, made from a network that is trained anew", file=sys.stderr)

    def _made_from(self, moved: Collection[ArmDir]) -> list[Job]:
        """Return the finished networks whose source, or its source, was moved aside."""
        networks = {(files.arm, files.seed) for files in moved}
        return [
            job
            for job in jobs(self.recipe, self.seeds)
            if (job.arm, job.seed) not in networks
            and any((arm, job.seed) in networks for arm in self.recipe.lineage(job.arm))
            and self._files(job).is_trained()
        ]

    def _files(self, job: Job) -> ArmDir:
        return self.run.arm(job.arm, job.seed)

    def _record(self, job: Job) -> dict[str, Any]:
        return arm_record(self.recipe, job.arm, job.seed)
