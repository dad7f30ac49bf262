"""A group of arms from start to DONE: step, evaluate, record, save, go on where a killed run stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from training.cli.parser import Interrupted
from training.config.arm import Plateau
from training.config.arm_config import arm_record
from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.execution.jobs import Job
from training.execution.starting_point import NotTrained, StartingPoint, starting_point
from training.models.weight_names import prunable
from training.optimization.engine import Engine
from training.optimization.evaluation import METRICS
from training.optimization.parametrizations.registry import ParametrizationSettings
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir

SAVE_SECONDS = 20.0
"""Wall time between two saved states. No result depends on it."""

Report = Callable[[Job, int, float], None]


class Trainee:
    """One arm in training: what it has shown so far, a row per evaluation, and its checkpoints."""

    def __init__(self, job: Job, files: ArmDir, start: StartingPoint):
        self.job, self.files, self.start = job, files, start
        self.rows: list[np.ndarray] = []
        self.steps: list[int] = []
        self.weights: list[dict[str, np.ndarray]] = []
        self.generalised_at: int | None = None

    def recall(self, until: int, criterion: Criterion) -> None:
        """Take up what was written before a stop; rows and checkpoints after `until` will come again."""
        for row in self.files.metrics().to_numpy():
            if row[0] <= until:
                self._see(row, criterion)
        stacked, steps = self.files.checkpoints(), self.files.steps()
        for i in np.flatnonzero(steps <= until):
            self.keep(int(steps[i]), {name: w[i] for name, w in stacked.items()})

    def see(self, step: int, values: np.ndarray, criterion: Criterion) -> None:
        """Record one evaluation: `values` as METRICS."""
        self._see(np.concatenate([[step], values]), criterion)

    def _see(self, row: np.ndarray, criterion: Criterion) -> None:
        self.rows.append(row)
        if self.generalised_at is None and criterion.met(row[1 + METRICS.index(criterion.test)]):
            self.generalised_at = int(row[0])

    def is_flat(self, plateau: Plateau) -> bool:
        """Whether the curves are looked at now, and flat. What is not measured does not move."""
        step = self.rows[-1][0]
        if step < plateau.from_step or step % plateau.window:
            return False
        recent = np.array([row[1:5] for row in self.rows if row[0] > step - plateau.window])
        return not (np.ptp(recent, axis=0) >= np.repeat([plateau.loss, plateau.accuracy], 2)).any()

    def keep(self, step: int, weights: dict[str, np.ndarray]) -> None:
        """Add a checkpoint."""
        self.steps.append(step)
        self.weights.append(weights)

    def write(self) -> None:
        """Write metrics and checkpoints as they stand."""
        rows = np.array(self.rows)
        columns = {name: rows[:, i] for i, name in enumerate(METRICS, start=1)}
        self.files.write_metrics({"step": rows[:, 0].astype(np.int64)} | columns)
        stacked = {name: np.stack([w[name] for w in self.weights]) for name in self.weights[0]}
        self.files.write_checkpoints(np.array(self.steps), stacked)


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


class Group:
    """Arms trained in lockstep on one device, each until its own end.

    All have one setting and one form, and are new, or half trained up to the same step.
    """

    def __init__(self, recipe: Recipe, running: Sequence[Trainee], device: str, report: Report):
        self.recipe, self.running, self.report = recipe, list(running), report
        self.given_up: list[tuple[Job, str]] = []
        masks = [trainee.start.mask for trainee in running]
        starts = [_tensors(trainee.start.weights) for trainee in running]
        first = running[0].job.arm
        arm, setting = recipe.arms[first], recipe.setting(first)
        data = setting.examples()
        self.criterion = setting.criterion
        # Accuracies are NaN where there are no classes, and so is all of a test set that is not there.
        test = ["test_loss"] if data.n_train < len(data.inputs) else []
        self.finite = [METRICS.index(name) for name in ("train_loss", "l1", "l2", *test)]
        self.engine = Engine(
            setting.model,
            setting.optimizer,
            data,
            starts,
            masks,
            device,
            ParametrizationSettings(
                name=arm.form,
                density=1 - recipe.sparsity(first),
                train_weights=arm.train_weights,
                seeds=[trainee.job.seed for trainee in running],
            ),
        )
        if running[0].files.has_state():
            self.engine.load([self._state(trainee) for trainee in running])
            for trainee in running:
                trainee.recall(self.engine.step, self.criterion)
        else:
            for trainee in running:
                if trainee.start.mask is not None:
                    trainee.files.write_mask(trainee.start.mask)
            self.look()

    def _state(self, trainee: Trainee) -> dict[str, Any]:
        state = trainee.files.state()
        if state.get("hash") != arm_record(self.recipe, trainee.job.arm, trainee.job.seed)["hash"]:
            begun = "was begun with another config; --force trains it anew"
            raise RunError(f"{trainee.files.path}: {begun}")
        return state

    def advance(self) -> None:
        """Train to the next step at which an evaluation is due."""
        every = self.recipe.measure.eval_every
        due = (self.engine.step // every + 1) * every
        ends = [self.recipe.arms[trainee.job.arm].max_steps for trainee in self.running]
        self.engine.run(min([due, *ends]) - self.engine.step)

    def look(self) -> None:
        """Evaluate every arm, keep what the schedule asks for, and let go of those at their end."""
        step, measure = self.engine.step, self.recipe.measure
        going_on = []
        for row, values in enumerate(self.engine.evaluate()):
            trainee = self.running[row]
            arm = self.recipe.arms[trainee.job.arm]
            if step % measure.eval_every and step < arm.max_steps:  # due for another arm of the group
                going_on.append(row)
                continue
            trainee.see(step, values, self.criterion)
            if not np.isfinite(values[self.finite]).all():
                self._give_up(trainee, f"diverged: a loss or norm is not finite at step {step}")
                continue
            settled = trainee.generalised_at is not None and step >= trainee.generalised_at + arm.settle_steps
            at_end = step >= arm.max_steps or (settled and step >= arm.min_steps)
            at_end = at_end or (arm.plateau is not None and trainee.is_flat(arm.plateau))
            if at_end or measure.is_checkpoint(step):
                trainee.keep(step, self.engine.arm_weights(row))
            if at_end:
                self._finish(trainee)
            else:
                going_on.append(row)
            self.report(trainee.job, step, float(values[METRICS.index("test_acc")]))
        if going_on and len(going_on) < len(self.running):
            self.engine.keep(going_on)
        self.running = [self.running[row] for row in going_on]

    def save(self) -> None:
        """Put everything up to now on disk, the state last."""
        for row, trainee in enumerate(self.running):
            trainee.write()
            written_for = {"hash": arm_record(self.recipe, trainee.job.arm, trainee.job.seed)["hash"]}
            trainee.files.write_state(self.engine.arm_state(row) | written_for)

    def _give_up(self, trainee: Trainee, reason: str) -> None:
        trainee.files.clear()
        trainee.files.skip(arm_record(self.recipe, trainee.job.arm, trainee.job.seed) | {"reason": reason})
        self.given_up.append((trainee.job, reason))

    def _finish(self, trainee: Trainee) -> None:
        mask = trainee.start.mask
        if mask is not None:
            last = trainee.weights[-1]
            assert not any(last[name][~kept].any() for name, kept in mask.items()), "a pruned weight"
        elif self.recipe.arms[trainee.job.arm].prunes:  # by its scores: what they keep in the end
            trainee.files.write_mask({name: w != 0 for name, w in prunable(trainee.weights[-1]).items()})
        trainee.write()
        record = arm_record(self.recipe, trainee.job.arm, trainee.job.seed)
        trainee.files.finish(record | {"steps": self.engine.step, "source": trainee.start.source})


def train_group(
    recipe: Recipe,
    run: RunDir,
    group: Sequence[Job],
    device: str,
    report: Report,
    should_stop: Callable[[], bool],
) -> list[tuple[Job, str]]:
    """Train these arms together and write their directories.

    Parameters
    ----------
    group : sequence of Job
        Arms whose sources are done; all new, or all half trained up to the same step.
    report : callable
        Told each arm's step and test accuracy at every evaluation.
    should_stop : callable
        Asked after every evaluation; if it says yes, states are saved.

    Returns
    -------
    list of (Job, str)
        The arms that were not trained, with the reason (also in their directory).

    Raises
    ------
    Interrupted
        If `should_stop` said yes before every arm was finished.
    """
    trainees, skipped = [], []
    for job in group:
        files = run.arm(job.arm, job.seed)
        try:
            trainees.append(Trainee(job, files, starting_point(recipe, run, job)))
        except NotTrained as reason:
            files.skip(arm_record(recipe, job.arm, job.seed) | {"reason": str(reason)})
            skipped.append((job, str(reason)))
    if not trainees:
        return skipped
    training = Group(recipe, trainees, device, report)
    saved = time.monotonic()
    while training.running:
        stopping = should_stop()
        if stopping or time.monotonic() - saved > SAVE_SECONDS:
            training.save()
            saved = time.monotonic()
        if stopping:
            raise Interrupted
        training.advance()
        training.look()
    return skipped + training.given_up
