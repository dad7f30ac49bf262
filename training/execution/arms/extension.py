"""Finished arms that a larger budget trains on, from their final state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from training.config.arm_config import current_hash
from training.config.recipe import Recipe
from training.config.settings import steps_around
from training.execution.arms.jobs import Job
from training.inspection.outcomes import LAST_METRICS
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.record_hashes import other_content
from training.runs.run_directory import RunDir


def is_short(recipe: Recipe, files: ArmDir, done: Mapping[str, Any]) -> bool:
    """Return True if a finished arm goes on: only its budget ended it, and the recipe's is larger.

    Where `min_steps` and `settle_steps` or a plateau ended it, a larger budget changes nothing.
    """
    arm, steps = recipe.arms[files.arm], done["steps"]
    if steps >= arm.max_steps:
        return False
    recorded = done["config"].get("arms", {}).get(files.arm, {}).get("max_steps")
    if recorded is not None and steps < recorded:  # its own rule ended it
        return False
    criterion = recipe.setting(files.arm).stop_criterion
    metrics = files.metrics(*LAST_METRICS, measured=criterion.train)
    met = metrics.loc[[criterion.met(value) for value in metrics[criterion.test]], "step"]
    if arm.has_settled(steps, None if met.empty else int(met.iloc[0])):
        return False
    rows = metrics[["step", *LAST_METRICS]].to_numpy()
    return arm.plateau is None or not arm.plateau.is_flat(rows)


def is_as_long(recipe: Recipe, files: ArmDir) -> bool:
    """Return True if another run's finished arm was trained as long as this recipe trains it."""
    with suppress(RunError, OSError):
        done = files.done()
        if done is not None:
            return done["steps"] <= recipe.arms[files.arm].max_steps and not is_short(recipe, files, done)
    return False


def has_same_sources(recipe: Recipe, run: RunDir, other: RunDir, job: Job) -> bool:
    """Return True if another run's arm was made from the same steps of its sources as it would be here.

    The sources are finished here.
    """
    for arm in recipe.lineage(job.arm):
        for read in {name for event in recipe.arms[arm].events for name in event.last_checkpoints_read()}:
            if not _ends_alike(run.arm(read, job.seed), other.arm(read, job.seed)):
                return False
        source = recipe.arms[arm].source
        if source is None:
            continue
        there, here = (runs.arm(arm, job.seed).recorded_source() for runs in (other, run))
        finished = run.arm(source, job.seed).done()
        step = recipe.arms[arm].source_step
        if here is not None:
            step = here["step"]
        elif step is None and finished is not None:
            step = finished["steps"]
        if there is None or there["step"] != step:
            return False
    return True


def _ends_alike(one: ArmDir, other: ArmDir) -> bool:
    """Return True if two finished arms have as many steps."""
    steps = [(files.done() or {}).get("steps") for files in (one, other)]
    return None not in steps and steps[0] == steps[1]


def reopen(recipe: Recipe, run: RunDir, job: Job, read: StepsRead | None = None) -> bool:
    """Make a finished arm one that is half trained up to its last step; False without its final state.

    Its metrics, checkpoints and mask stay as they are. What only its end has added, an evaluation and a
    checkpoint beside the grids, the training that goes on leaves out, unless a network was made from it.
    Until the first save the state holds the record too, for `close`. The caller holds the run.

    Parameters
    ----------
    read : mapping, optional
        `steps_read` of the run, if it is known: it reads the records of all networks.

    Raises
    ------
    RunError
        If a file is not the one that the record has the hash of; nothing was changed.
    """
    files = run.arm(job.arm, job.seed)
    with files.locked():
        done = files.done()
        if done is None or not files.has_final_state():
            return done is None
        _check_hashes(files, done)
        record = {name: done[name] for name in RECORDED if name in done}
        record["hash"] = current_hash(done)
        kept = kept_steps(recipe, run, job, done["steps"], read)
        files.write_state(files.final_state() | record | {"checkpoints": kept, FINISHED: done})
        files.unfinish()
    return True


def close(files: ArmDir) -> None:
    """Make a reopened arm the finished one that it was, if nothing was saved since.

    An arm that another process holds, or whose state is damaged, stays as it is.
    """
    if files.has_state() and files.done() is None:
        with suppress(RunError), files.locked():
            restore_finished(files)


def restore_finished(files: ArmDir) -> None:
    """Write the record of a finished arm from its state, if the state still has it.

    The caller holds the arm.
    """
    if (done := files.state_record().get(FINISHED)) is not None:
        files.rewrite_done(done)
        files.tidy()


def _check_hashes(files: ArmDir, done: Mapping[str, Any]) -> None:
    """Raise a `RunError` about a file that is not the recorded one."""
    hashes = files.file_hashes()
    for name, recorded in done.get("files", {}).items():
        if hashes.get(name) != recorded:
            cure = "restore it from a copy, or --force trains the arm anew"
            raise other_content(files.path / name, recorded, hashes.get(name), cure)


FINISHED = "finished"
"""Field of a reopened arm's state: its record as it was."""


RECORDED = ("code", "platform", "start", "compatible_code", "accepted", "source", "taken_from", "reduced")
"""Fields of a finished arm's record that its state takes over."""


def kept_steps(recipe: Recipe, run: RunDir, job: Job, last: int, read: StepsRead | None = None) -> list[int]:
    """Return the steps of an arm's checkpoints that stay as it goes on from its last one."""
    files = run.arm(job.arm, job.seed)
    steps = [int(step) for step in files.steps()]
    criterion = recipe.setting(job.arm).criterion
    times = criterion.times(files.metrics(criterion.train, criterion.test, measured=criterion.train))
    around = steps_around(recipe.checkpoints(job.arm), times, steps)
    if recipe.is_checkpoint(job.arm, last) or last in around:
        return steps
    if last in (steps_read(run) if read is None else read).get(job, ()):
        return steps
    return [step for step in steps if step != last]


StepsRead = Mapping[Job, Collection[int]]
"""Steps of the checkpoints, by network, that other networks of its run were made from."""


def steps_read(run: RunDir) -> StepsRead:
    """Return the steps of every network's checkpoints that other networks of its run were made from."""
    read: dict[Job, set[int]] = {}
    for files in run.arms():
        record = files.recorded_source()
        if record is not None and "arm" in record and "seed" in record:
            read.setdefault(Job(record["arm"], record["seed"]), set()).add(int(record["step"]))
    return read
