"""Training of a group of arms, from their start to DONE."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from training.cli.parser import Interrupted
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.execution.arms.added_checkpoints import add_checkpoints
from training.execution.arms.arm_in_training import ArmInTraining
from training.execution.arms.extension import restore_finished
from training.execution.arms.jobs import Job, Report
from training.execution.arms.replay import ACCEPT, after_other_code, refusal, taken_over
from training.execution.arms.starting_point import NotTrained, StartingPoint, starting_point
from training.execution.identity.arm_code import arm_code
from training.execution.identity.device import platform_of
from training.execution.identity.start_record import Start
from training.inspection.file_checks import check_finished, check_half_trained
from training.models.weight_names import prunable
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.replaced_arms import move_aside, new_entry
from training.runs.run_directory import RunDir

SAVE_SECONDS = 20.0
"""Wall time between two saved states. No result depends on it."""


def train_group(
    recipe: Recipe,
    run: RunDir,
    group: Sequence[Job],
    device: str,
    report: Report,
    should_stop: Callable[[], bool],
    start: Start | None = None,
) -> list[tuple[Job, str]]:
    """Train these arms together and write their directories.

    An arm that another run has finished by equal code on an equal platform is taken from there.

    Parameters
    ----------
    group : sequence of Job
        Arms whose sources are done; all new, or all half trained up to one step. Finished ones are given the
        checkpoints that they lack; another process may have finished one since this start was planned.
    report : callable
        Called with each arm, its step and its test accuracy at every evaluation.
    should_stop : callable
        Called after every evaluation; if it returns true, states are saved.
    start : Start, optional
        The start that trains them: its id, and where finished arms are taken from.

    Returns
    -------
    list of (Job, str)
        The arms that were not trained, with the reason (also in their directory).

    Raises
    ------
    Interrupted
        If `should_stop` returned true before every arm was finished.
    """
    start = start or Start()
    arms, skipped = [], []
    for job in group:
        files = run.arm(job.arm, job.seed)
        if files.done() is not None:
            continue
        here = identity(recipe, job, device, start)
        if taken_over(recipe, files, job, here, device, start):
            continue
        try:
            arms.append(
                ArmInTraining(job, files, starting_point(recipe, run, job), recipe.arms[job.arm].prunes)
            )
        except NotTrained as reason:
            more = {"reason": str(reason), "source_steps": source_steps(recipe, run, job)}
            files.skip(arm_record(recipe, job.arm, job.seed) | here | more)
            skipped.append((job, str(reason)))
    training = TrainingGroup(recipe, arms, device, report, start) if arms else None
    saved_at = time.monotonic()
    while training is not None and training.arms:
        stopping = should_stop()
        if stopping or time.monotonic() - saved_at > SAVE_SECONDS:
            training.save()
            saved_at = time.monotonic()
        if stopping:
            raise Interrupted
        training.advance()
        training.evaluate()
    add_checkpoints(recipe, run, group, device, should_stop)
    return skipped + (training.diverged if training is not None else [])


def source_steps(recipe: Recipe, run: RunDir, job: Job) -> int | None:
    """Return the steps of an arm's finished source; None without one."""
    source = recipe.arms[job.arm].source
    done = None if source is None else run.arm(source, job.seed).done()
    return None if done is None else done["steps"]


class TrainingGroup:
    """Arms trained in lockstep on one device, each until its own end.

    All have one setting and one parametrization, and are new, or half trained up to one step.
    """

    def __init__(
        self,
        recipe: Recipe,
        arms: Sequence[ArmInTraining],
        device: str,
        report: Report,
        start: Start | None = None,
    ):
        self.recipe, self.arms, self.report = recipe, list(arms), report
        self.device, self.start = device, start or Start()
        self.diverged: list[tuple[Job, str]] = []
        setting = recipe.setting(arms[0].job.arm)
        data = setting.examples()
        self.criterion = setting.stop_criterion
        # Accuracies are NaN without classes, and so are all metrics of an empty test set.
        test = ["test_loss"] if data.n_train < len(data.inputs) else []
        self.finite = [METRICS.index(name) for name in ("train_loss", "l1", "l2", *test)]
        self.engine = engine_of(recipe, [arm.job for arm in arms], [arm.start for arm in arms], device)
        if arms[0].files.has_state():  # none is finished
            self._resume()
        else:
            self._write_masks()
            self.evaluate()

    def _resume(self) -> None:
        """Continue from the saved states, which were checked against the other files."""
        states = [self._state(arm) for arm in self.arms]
        for arm, state in zip(self.arms, states, strict=True):
            with reading_state(arm.files):
                self.engine.check_state(state)
        with reading_state(self.arms[0].files):
            self.engine.load(states)
        evaluations = self.engine.evaluate()
        for arm, state, values in zip(self.arms, states, evaluations, strict=True):
            saved = state.get("checkpoints", range(self.engine.step + 1))
            arm.resume(self.engine.step, self.criterion, self.recipe.measure.eval_every, list(saved))
            self._check_norms(arm, values)
        self._write_masks()
        self._finish_ended(evaluations)

    def _finish_ended(self, evaluations: np.ndarray) -> None:
        """Finish the arms that have reached their end already, as by a budget that is smaller now."""
        step, rows = self.engine.step, range(len(self.arms))
        ended = [row for row in rows if step >= self.recipe.arms[self.arms[row].job.arm].max_steps]
        for row in ended:
            arm = self.arms[row]
            if arm.evaluations[-1][0] != step:
                arm.add_evaluation(step, evaluations[row], self.criterion)
            arm.add_checkpoint(step, self.engine.arm_weights(row))
            self._finish(arm, row)
        self._keep([row for row in rows if row not in ended])

    def _keep(self, continuing: list[int]) -> None:
        """Drop the arms whose training has ended."""
        if continuing and len(continuing) < len(self.arms):
            self.engine.keep(continuing)
        self.arms = [self.arms[row] for row in continuing]

    def _check_norms(self, arm: ArmInTraining, values: np.ndarray) -> None:
        """Raise a `RunError` unless a state's weights are those evaluated at its step."""
        norms = [METRICS.index(name) for name in ("l1", "l2")]
        step, *evaluated = arm.evaluations[-1]
        if step == self.engine.step and not np.allclose(values[norms], np.array(evaluated)[norms], rtol=1e-3):
            with reading_state(arm.files):
                raise ValueError(f"its weights are not those of step {self.engine.step}")

    def _write_masks(self) -> None:
        """Write the masks that methods made; on resuming, one may be missing or damaged."""
        for arm in self.arms:
            if arm.start.mask is not None:
                arm.files.write_mask(arm.start.mask)

    def advance(self) -> None:
        """Train to the next step at which an evaluation is due."""
        every = self.recipe.measure.eval_every
        due = (self.engine.step // every + 1) * every
        ends = [self.recipe.arms[arm.job.arm].max_steps for arm in self.arms]
        self.engine.run(min([due, *ends]) - self.engine.step)

    def evaluate(self) -> None:
        """Evaluate every arm, add checkpoints that are due, finish arms at their end."""
        evaluations = self.engine.evaluate()
        self._keep([row for row, values in enumerate(evaluations) if self._continues(row, values)])

    def save(self) -> None:
        """Write everything so far, the state last."""
        for row, arm in enumerate(self.arms):
            arm.write()
            record = self._record(arm)
            del record["config"]
            more = {"source": arm.start.source, "checkpoints": arm.steps}
            arm.files.write_state(self.engine.arm_state(row) | record | more)

    def _continues(self, row: int, values: np.ndarray) -> bool:
        """Take one arm's evaluation, and return True if the arm trains on."""
        arm, step, measure = self.arms[row], self.engine.step, self.recipe.measure
        settings = self.recipe.arms[arm.job.arm]
        if step % measure.eval_every and step < settings.max_steps:  # due for another arm of the group
            return True
        arm.add_evaluation(step, values, self.criterion)
        if not np.isfinite(values[self.finite]).all():
            self._give_up(arm, f"diverged: a loss or norm is not finite at step {step}")
            return False
        at_end = self._is_at_end(arm)
        if at_end or self.recipe.is_checkpoint(arm.job.arm, step):
            arm.add_checkpoint(step, self.engine.arm_weights(row))
        if at_end:
            self._finish(arm, row)
        self.report(arm.job, step, float(values[METRICS.index("test_acc")]))
        return not at_end

    def _is_at_end(self, arm: ArmInTraining) -> bool:
        settings, step = self.recipe.arms[arm.job.arm], self.engine.step
        if step >= settings.max_steps or settings.has_settled(step, arm.generalised_at):
            return True
        return settings.plateau is not None and settings.plateau.is_flat(arm.evaluations)

    def _state(self, arm: ArmInTraining) -> dict[str, Any]:
        """Return an arm's saved state, if it is one of this config."""
        with reading_state(arm.files):
            state = arm.files.state()
            check_half_trained(arm.files, self.recipe, state["step"], state.get("checkpoints"))
        if state.get("hash") != self._record(arm)["hash"]:
            begun = "was begun with another config; --force trains it anew"
            raise RunError(f"{arm.files.path}: {begun}")
        here, job = identity(self.recipe, arm.job, self.device, self.start), arm.job
        reason = refusal(self.recipe, arm.files, job, state, here, self.device)
        if reason is not None and not self.start.accept_other:
            raise RunError(f"{arm.files.path}: was begun by {reason}; {ACCEPT}, --force trains the arms anew")
        arm.earlier = after_other_code(state, here, is_equal=reason is None)
        return state

    def _give_up(self, arm: ArmInTraining, reason: str) -> None:
        """Delete an arm's files, or move aside what was finished before, and record why it is not trained."""
        if arm.files.has_final_state():
            restore_finished(arm.files)
            run = RunDir(arm.files.path.parents[2])
            move_aside(run, arm.files, new_entry(run))
        arm.files.clear()
        arm.files.skip(self._record(arm) | {"reason": reason})
        self.diverged.append((arm.job, reason))

    def _finish(self, arm: ArmInTraining, row: int) -> None:
        """Write an arm's last files, DONE at the end."""
        last = arm.weights[-1]
        if (
            arm.start.mask is None and self.recipe.arms[arm.job.arm].prunes
        ):  # trained scores: the mask is that of their last choice
            arm.files.write_mask({name: w != 0 for name, w in prunable(last).items()})
        arm.write()
        arm.files.write_final_state(self.engine.arm_state(row))
        check_finished(arm.files, self.recipe, self.engine.step, arm.steps)
        record = self._record(arm) | {"steps": self.engine.step, "source": arm.start.source}
        arm.files.finish(record)

    def _record(self, arm: ArmInTraining) -> dict[str, Any]:
        here = identity(self.recipe, arm.job, self.device, self.start)
        return arm_record(self.recipe, arm.job.arm, arm.job.seed) | here | arm.earlier


def identity(recipe: Recipe, job: Job, device: str, start: Start) -> dict[str, Any]:
    """Return what the record of an arm says beside its config: code, platform and start."""
    platform = dict(platform_of(device))
    return {"code": arm_code(recipe, job.arm), "platform": platform, "start": start.id}


def engine_of(recipe: Recipe, group: Sequence[Job], starts: Sequence[StartingPoint], device: str) -> Engine:
    """Return the engine of arms that are alike, at step 0."""
    setting = recipe.setting(group[0].arm)
    return Engine(
        setting.model,
        setting.optimizer,
        setting.examples(),
        [{name: torch.from_numpy(w) for name, w in start.weights.items()} for start in starts],
        [start.mask for start in starts],
        device,
        _parametrization(recipe, group),
    )


@contextmanager
def reading_state(files: ArmDir) -> Iterator[None]:
    """Turn an error about a saved state into a `RunError` with a cure."""
    try:
        yield
    except (RunError, ValueError, TypeError, KeyError, RuntimeError) as error:
        path, reason = files.path / "state.pt", str(error) or type(error).__name__
        cure = f"delete {path} to train this arm anew"
        raise RunError(f"{path}: its training cannot go on: {reason}; {cure}") from None


def _parametrization(recipe: Recipe, group: Sequence[Job]) -> ParametrizationSettings:
    """Return the parametrization of a group of arms that are alike."""
    name = group[0].arm
    arm = recipe.arms[name]
    return ParametrizationSettings(
        name=arm.form,
        density=1 - recipe.sparsity(name),
        train_weights=arm.train_weights,
        seeds=[job.seed for job in group],
    )
