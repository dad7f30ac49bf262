"""Plan of a start: networks to train, keep, take over and skip."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from training.config.arm import Arm
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.execution.arms.added_checkpoints import missing_steps
from training.execution.arms.extension import is_as_long
from training.execution.arms.jobs import Job, finished_in_sibling_runs, is_of_code, jobs, twin_of
from training.execution.arms.sources.arm_events import check_event_arms, named_times
from training.execution.arms.sources.reasons import (
    NotTrained,
    event_arm_not_trained,
    no_checkpoint,
    source_not_trained,
)
from training.execution.arms.sources.starting_point import (
    PRUNE_ANYWAY,
    checked_source,
    checkpoints_read,
    no_test_set,
)
from training.execution.arms.statuses import UNFINISHED, job_status
from training.execution.identity.arm_code import arm_code
from training.runs.arm_directory import ArmDir
from training.runs.replaced_arms import arm_size
from training.runs.run_directory import RunDir

ACTIONS = {
    "new": "train",
    "half trained": "go on",
    "short": "train on",
    "sparse": "add checkpoints",
    "done": "keep",
    "skipped": "skip again",
}
"""What a start does with an arm of this status."""
TAKE_OVER = "take over"
"""What a start does with an arm that another run in the same folder has finished."""
REPLAY = "replay, then "
"""In front of an action on an arm that other code has trained: it is done if a replay gives equal bytes."""
SKIP = "skip"
"""What a start does with an arm that it will not be able to train."""
TRAINED = (
    *(ACTIONS[status] for status in UNFINISHED),
    f"{REPLAY}{ACTIONS['half trained']}",
    f"{REPLAY}{ACTIONS['short']}",
    f"{REPLAY}{TAKE_OVER}",
)
"""Actions of a plan that need memory and disk."""


@dataclass(frozen=True)
class Forecast:
    """Reason or conditions for which an arm is skipped."""

    reason: str | None = None
    """Why it will be skipped, in the words of its record; None if that is not certain."""
    conditions: tuple[str, ...] = ()
    """Conditions, each of which would have it skipped."""
    cure: str | None = None
    """What to type so that the conditions do not matter."""

    @property
    def text(self) -> str | None:
        """Sentence for people; None for an arm that nothing speaks against."""
        if self.reason is not None or not self.conditions:
            return self.reason
        cure = "" if self.cure is None else f"; {self.cure}"
        return f"may be skipped if {' or '.join(self.conditions)}{cure}"


class Plan:
    """Action of a start on every arm and seed.

    Parameters
    ----------
    forced : collection of Job
        Networks that the start moves aside first, and trains anew.
    """

    def __init__(self, recipe: Recipe, run: RunDir, seeds: Sequence[int], forced: Collection[Job] = ()):
        self.recipe, self.run, self.forced = recipe, run, set(forced)
        self.finished_elsewhere = finished_in_sibling_runs(run)
        self.status: dict[Job, str] = {}
        self.twins: dict[Job, ArmDir] = {}
        """Finished networks of other runs, by the network here that takes over their files."""
        self.replayed: set[Job] = set()
        """Networks that other code has trained, here or in another run, and that are replayed first."""
        self.forecasts: dict[Job, Forecast] = {}
        for job in jobs(recipe, seeds):  # sources first
            self._add(job)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row per arm and seed, sources first."""
        return [self._row(job) for job in self.status]

    def _add(self, job: Job) -> None:
        files = self.run.arm(job.arm, job.seed)
        is_new = job in self.forced or not files.is_begun()
        record: dict[str, Any] = {}  # it holds the whole lineage: made only if there is one to compare with
        if not is_new or self.finished_elsewhere:
            record = arm_record(self.recipe, job.arm, job.seed) | {"code": arm_code(self.recipe, job.arm)}
        status = self.status[job] = "new" if is_new else job_status(self.recipe, files, record, self.status)
        twin = None
        if status in UNFINISHED and job not in self.forced and self.finished_elsewhere:
            twin = twin_of(
                self.finished_elsewhere, record["hash"], record["code"], partial(is_as_long, self.recipe)
            )
        if twin is not None:
            self.twins[job] = twin
        before = twin.done() if twin is not None else None
        if before is None and status == "half trained":
            before = files.state_record()
        if before is None and status == "short":
            before = files.done()
        if before is not None and not is_of_code(before, record["code"]):
            self.replayed.add(job)
        self.forecasts[job] = self._forecast(job)

    def _forecast(self, job: Job) -> Forecast:
        read = [Job(name, job.seed) for name in self.recipe.arms[job.arm].arms_read]
        if self.status[job] == "skipped":
            return Forecast(reason=(self.run.arm(job.arm, job.seed).skipped() or {})["reason"])
        if self._is_there(job) or not read:
            return Forecast()
        of_source = self._forecast_by_source(job)
        if of_source.reason is not None or not self.recipe.arms[job.arm].events:
            return of_source
        if all(map(self._is_there, read)):
            of_events = reason_of(
                check_event_arms, self.recipe, job.arm, lambda arm: self._files(Job(arm, job.seed))
            )
            return of_source if of_events.reason is None else of_events
        return self._forecast_by_events(job, of_source)

    def _forecast_by_events(self, job: Job, of_source: Forecast) -> Forecast:
        """Return the forecast of an arm whose events read arms that are still to be trained."""
        arm, more = self.recipe.arms[job.arm], []
        for other in [Job(name, job.seed) for name in arm.arms_read if name != arm.source]:
            if self._is_there(other):
                continue
            if self.forecasts[other].reason is not None:
                return Forecast(reason=event_arm_not_trained(other))
            more += [f"{other.arm} is skipped"] if self.forecasts[other].conditions else []
        more += [f"{of} does not reach {name}" for _, of, name in named_times(arm.events)]
        return replace(of_source, conditions=tuple(dict.fromkeys([*of_source.conditions, *more])))

    def _forecast_by_source(self, job: Job) -> Forecast:
        """Return the forecast as far as an arm's source decides it."""
        source = self.recipe.arms[job.arm].source
        if source is None:
            return Forecast()
        before = Job(source, job.seed)
        if self._is_there(before):
            return reason_of(
                checked_source, self.recipe, job.arm, lambda arm: self._files(Job(arm, job.seed))
            )
        saved = self._files(before) if self.status[before] in ("half trained", "short") else None
        return unfinished_forecast(self.recipe, job, self.forecasts[before], saved)

    def _growth(self, job: Job) -> str | None:
        """Return what is added to a finished network."""
        files = self.run.arm(job.arm, job.seed)
        done = files.done() if self.status[job] in ("short", "sparse") and job not in self.forced else None
        if done is None:
            return None
        if self.status[job] == "short":
            state = "" if files.has_final_state() else ", from step 0: its final state is missing"
            return f"from step {done['steps']} to {self.recipe.arms[job.arm].max_steps} at most{state}"
        n = len(missing_steps(self.recipe, files, done))
        return f"at {n} step{'s' * (n > 1)}, by a replay"

    def _is_there(self, job: Job) -> bool:
        """Return True if a network is finished, here or in another run."""
        return self.status[job] in ("done", "sparse") or (job in self.twins and job not in self.replayed)

    def _files(self, job: Job) -> ArmDir:
        return self.twins.get(job) or self.run.arm(job.arm, job.seed)

    def _row(self, job: Job) -> dict[str, Any]:
        arm, status, forecast = self.recipe.arms[job.arm], self.status[job], self.forecasts[job]
        todo = TAKE_OVER if job in self.twins else ACTIONS[status]
        todo = f"{REPLAY}{todo}" if job in self.replayed else todo
        return {
            "arm": job.arm,
            "seed": job.seed,
            "todo": SKIP if status in UNFINISHED and forecast.reason is not None else todo,
            "method": arm.method,
            "source": arm.source or "-",
            "sparsity": self.recipe.sparsity(job.arm),
            "min_steps": arm.min_steps,
            "max_steps": arm.max_steps,
            "reason": self._growth(job) or forecast.text,
            "bytes_replaced": arm_size(self.run.arm(job.arm, job.seed)) if job in self.forced else 0,
        }


def reason_of(
    check: Callable[[Recipe, str, Callable[[str], ArmDir]], Any],
    recipe: Recipe,
    arm: str,
    files: Callable[[str], ArmDir],
) -> Forecast:
    """Return the forecast for an arm whose sources are finished: the reason that a check raises, if any.

    Parameters
    ----------
    check : callable
        As `checked_source`.
    files : callable
        Returns the files of an arm of this lineage, which may be those of another run.
    """
    try:
        check(recipe, arm, files)
    except NotTrained as reason:
        return Forecast(reason=str(reason))
    return Forecast()


def unfinished_forecast(recipe: Recipe, job: Job, source: Forecast, saved: ArmDir | None) -> Forecast:
    """Return the forecast for an arm whose source is still to be trained.

    Parameters
    ----------
    source : Forecast
        Forecast of the source.
    saved : ArmDir or None
        Files of a half trained source, whose curve so far is known.
    """
    arm = recipe.arms[job.arm]
    assert arm.source is not None
    source_job = Job(arm.source, job.seed)
    if source.reason is not None:
        return Forecast(reason=source_not_trained(source_job))
    for field, name, step in checkpoints_read(recipe, job.arm):
        most = recipe.arms[name].max_steps
        if step > most:
            ends = f"it ends at {most} at the latest"
            return Forecast(reason=no_checkpoint(Job(name, job.seed), step, ends, field))
    conditions = [f"{arm.source} is skipped"] if source.conditions else []
    cure = None
    if arm.reads_weights and recipe.pruning.require_generalised:
        if _has_no_test_set(recipe, arm.source):
            return Forecast(reason=no_test_set(source_job))
        if saved is None or not _has_generalised(recipe, saved, arm.source_step):
            by = "its end" if arm.source_step is None else f"step {arm.source_step}"
            conditions.append(f"{arm.source} has not generalised by {by}")
            cure = PRUNE_ANYWAY
    for _, name, step in checkpoints_read(recipe, job.arm):
        if step > _earliest_end(recipe.arms[name]):
            conditions.append(f"{name} ends before step {step}")
    return Forecast(conditions=tuple(conditions), cure=cure)


def _has_generalised(recipe: Recipe, saved: ArmDir, step: int | None) -> bool:
    """Return True if a network's saved curve has generalised by a step."""
    criterion = recipe.setting(saved.arm).stop_criterion
    metrics = saved.metrics(criterion.train, criterion.test, measured=criterion.train)
    at = criterion.times(metrics).t_gen.at
    return at is not None and (step is None or at <= step)


def _has_no_test_set(recipe: Recipe, arm: str) -> bool:
    """Return True if no example is left for a test set."""
    setting = recipe.setting(arm)
    if setting.task.gives != "tokens":
        return False
    sizes = setting.task.sizes()
    if sizes is None:
        data = setting.examples()
        sizes = data.n_train, len(data.inputs)
    return sizes[0] == sizes[1]


def _earliest_end(arm: Arm) -> int:
    """Return the first step at which an arm may end."""
    if arm.plateau is not None:
        return min(arm.plateau.from_step, arm.max_steps)
    return min(max(arm.min_steps, arm.settle_steps), arm.max_steps)
