"""Experiment: a recipe with its run directory, planned and trained."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from training.config.arm_config import arm_record
from training.config.plugin_use import used_plugins
from training.config.recipe import Recipe
from training.execution.arms.extension import close, is_as_long, reopen, steps_read
from training.execution.arms.jobs import Job, finished_in_sibling_runs, is_of_code, jobs, twin_of
from training.execution.arms.statuses import UNFINISHED, job_status
from training.execution.identity.arm_code import arm_code
from training.execution.identity.start_record import Start, start_record
from training.execution.joint_training import Launch, train_together
from training.execution.plan import TRAINED, Plan
from training.execution.run_config import (
    changed_bases,
    describes_otherwise,
    kept_arms,
    merged_recipe,
    write_run_config,
)
from training.execution.scheduling.arm_queue import Submission
from training.execution.scheduling.launching import launch
from training.execution.sparsity_search import refined
from training.inspection.outcomes import SHORT, outcomes
from training.inspection.resource_estimate import Need, check_need, estimated_need
from training.runs.arm_directory import ArmDir
from training.runs.replaced_arms import arm_size, move_aside, new_entry
from training.runs.run_directory import RunDir
from training.runs.worker_notes import delete_ended_notes
from training.schema.plain_content import shortened
from training.schema.validation import ConfigError, names, require

Force = bool | Collection[str]
"""Networks to train anew: all of a start, none, or those of some arms."""
MOST_NAMED = 8
"""Arms that a line on stderr names."""


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

    def check_need(self, device: str, workers: int, force: Force = False) -> None:
        """Raise a `ConfigError` if `train` needs more memory or disk than is free."""
        on_gpu = device.startswith(("cuda", "mps"))  # there one worker trains all networks
        check_need(self.need(force), self.run.path, workers=1 if on_gpu else workers)

    def train(
        self, device: str, workers: int, force: Force = False, accept_other: bool = False
    ) -> list[dict[str, Any]]:
        """Train all unfinished arms and return the outcomes.

        Arms that the recipe's search adds are trained too. Arms that other code or another platform has begun
        are taken over and resumed only with `accept_other`, or if a replay of their first steps gives equal
        bytes.

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
        (failure,) = train_together([self], device, workers, force, accept_other)
        if failure is not None:
            raise failure
        return outcomes(self.run, self.recipe)

    def submission(self, device: str, workers: int, force: Force, accept_other: bool) -> Submission | None:
        """Prepare the run, and return its networks that are to be trained; None if all are finished.

        Raises
        ------
        RunError
            As `train`.
        """
        with self.run.locked():
            forced = self._forced(force)
            unfinished = self._prepare(forced)
            if not unfinished:
                return None
            twins = self._twins([job for job in unfinished if job not in forced])
            start = Start(twins=twins, accept_other=accept_other)
            entry = self.run.add_provenance(start_record(start, device, workers, self.seeds, unfinished))
        return Submission(self.recipe, self.run, unfinished, start, entry, time.monotonic())

    def has_searched_further(self) -> bool:
        """Take over the arms that the recipe's search adds now; True if there are any."""
        recipe, self.recipe = self.recipe, refined(self.recipe, self.run)
        return self.recipe is not recipe

    def note_device(self, submission: Submission, device: str) -> None:
        """Record the device of a start, now that it is known."""
        self._complete_entry(submission, {"device": device})

    def close(self, submission: Submission) -> None:
        """Complete the record of a start, in which nothing is trained any more."""
        for job in submission.todo:  # refused, or not begun, before anything was added
            close(self._files(job))
        delete_ended_notes(self.run)
        taken = self._taken(submission.start)
        trained = [str(job) for job in submission.todo if str(job) not in taken]
        more: dict[str, Any] = {"failed": submission.failures} if submission.failures else {}
        if trained:
            more["seconds"] = round(time.monotonic() - submission.begun, 1)
            more["core_seconds"] = round(submission.core_seconds, 1)
        self._complete_entry(submission, {"arms": trained, "taken": taken, **more})

    def _complete_entry(self, submission: Submission, values: dict[str, Any]) -> None:
        with self.run.locked():
            self.run.add_to_provenance(submission.entry, values)

    def _forced(self, force: Force) -> Collection[Job]:
        """Return the networks of this start that are trained anew."""
        if isinstance(force, bool):
            return dict.fromkeys(jobs(self.recipe, self.seeds) if force else ()).keys()
        for arm in force:
            require(arm in self.recipe.arms, "--force-arms", f"some of {names(self.recipe.arms)}", arm)
        return dict.fromkeys(job for job in jobs(self.recipe, self.seeds) if job.arm in force).keys()

    def _prepare(self, forced: Collection[Job]) -> list[Job]:
        """Check the directory, write its config, and return unfinished arms; `forced` are moved aside."""
        union = merged_recipe(self.run, self.recipe, forced)
        self._move_aside(forced)
        statuses: dict[Job, str] = {}
        for job in jobs(self.recipe, self.seeds):
            files = self._files(job)
            statuses[job] = "new"
            if files.is_begun():
                record = self.record(job) | {"code": arm_code(self.recipe, job.arm)}
                statuses[job] = job_status(self.recipe, files, record, statuses)
        finished = [job for job, status in statuses.items() if status in ("done", "sparse")]
        for job in finished:
            self._files(job).tidy()
        self._reopen([job for job, status in statuses.items() if status == "short"])
        unfinished = [job for job, status in statuses.items() if status in (*UNFINISHED, "sparse")]
        self._say_if_changed(finished)
        if unfinished or describes_otherwise(self.run, union):
            write_run_config(self.run, union, self.text, self.bases)
        if more_arms := kept_arms(self.recipe, union):
            print(
                f"{self.run.path}: keeps {names(more_arms)}, which this recipe does not have", file=sys.stderr
            )
        return unfinished

    def _reopen(self, short: Sequence[Job]) -> None:
        """Make finished arms half trained ones; those without a final state are moved aside."""
        read = steps_read(self.run) if short else {}
        lacking = [job for job in short if not reopen(self.recipe, self.run, job, read)]
        for job in lacking:
            print(f"{job}: trained again from step 0: its final state is missing", file=sys.stderr)
        self._move_aside(lacking)

    def _twins(self, unfinished: list[Job]) -> dict[str, str]:
        """Return the run, by arm and seed, that has finished an arm with its config."""
        finished = finished_in_sibling_runs(self.run)
        twins = {
            job: twin_of(
                finished,
                self.record(job)["hash"],
                arm_code(self.recipe, job.arm),
                partial(is_as_long, self.recipe),
            )
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

    def record(self, job: Job) -> dict[str, Any]:
        """Return what DONE says of a network's config."""
        return arm_record(self.recipe, job.arm, job.seed)
