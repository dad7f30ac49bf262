"""One arm in training: its curves so far, its checkpoints, and what is written of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.execution.arms.extension import restore_finished
from training.execution.arms.jobs import ArmTask, EvaluatedNetwork
from training.execution.arms.sources.arm_events import events_of, record_of
from training.execution.arms.sources.starting_point import StartingPoint
from training.execution.identity.arm_code import arm_code
from training.execution.identity.device import platform_of
from training.inspection.file_checks import check_finished
from training.models.weight_names import prunable
from training.optimization.evaluation import METRICS
from training.pruning.method import Mask
from training.runs.replaced_arms import move_aside, new_entry


def with_pruned_zeros(
    weights: dict[str, np.ndarray], mask: Mask | None, prunes: bool
) -> dict[str, np.ndarray]:
    """Return weights whose pruned ones are +0; without a mask, of trained scores, those that are zero."""
    if not prunes:
        return weights
    kept = {name: w != 0 if mask is None else mask[name] for name, w in prunable(weights).items()}
    return weights | {name: np.where(is_kept, weights[name], 0) for name, is_kept in kept.items()}


class ArmInTraining:
    """Evaluations and checkpoints of one arm so far, and its files.

    Parameters
    ----------
    task : ArmTask
        Arm and seed, with their recipe and run.
    start : StartingPoint
        Initial weights, mask and source.
    device : str
        Where it is trained.
    """

    def __init__(self, task: ArmTask, start: StartingPoint, device: str):
        self.task, self.files, self.start, self.device = task, task.files, start, device
        self.events = events_of(task, start)
        """Events of its training; None without any."""
        self.criterion = task.setting.stop_criterion
        self.evaluations: list[np.ndarray] = []
        """A row per evaluation: step, then METRICS."""
        self.steps: list[int] = []
        """Step of every checkpoint."""
        self.weights: list[dict[str, np.ndarray]] = []
        """Weights by name of every checkpoint."""
        self.generalised_at: int | None = None
        self.reason: str | None = None
        """Why its training was given up."""
        self.state: dict[str, Any] | None = None
        """Saved state that the arm goes on from, until it does."""
        self.earlier: dict[str, Any] = {}
        """Fields of its record about other code or platforms that have trained it."""
        self.slots: list[list[int]] = []
        """On a GPU: from which step it was trained in a batch of how many slots."""

    @property
    def max_steps(self) -> int:
        """Step at which its training ends at the latest."""
        return self.task.arm.max_steps

    def resume(self, step: int, checkpoints: Sequence[int]) -> None:
        """Read evaluations up to a step, and checkpoints; later ones will be made again.

        An evaluation beside the multiples of `eval_every` was the end of a training that goes on.
        """
        for row in self.files.metrics()[["step", *METRICS]].to_numpy():
            if row[0] <= step and row[0] % self.task.recipe.measure.eval_every == 0:
                self._add_row(row)
        stacked, steps = self.files.checkpoints(), self.files.steps()
        for i in np.flatnonzero(np.isin(steps, checkpoints)):
            self.add_checkpoint(int(steps[i]), {name: w[i] for name, w in stacked.items()})

    def is_due(self, step: int) -> bool:
        """Return True if the arm is evaluated at `step`, and has not been."""
        at_time = step % self.task.recipe.measure.eval_every == 0 or step >= self.max_steps
        return at_time and self.last_evaluated() < step

    def last_evaluated(self) -> int:
        """Return the step of the last evaluation; -1 without one."""
        return int(self.evaluations[-1][0]) if self.evaluations else -1

    def next_due(self, step: int) -> int:
        """Return the first step after `step` at which an evaluation is due."""
        every = self.task.recipe.measure.eval_every
        return min((step // every + 1) * every, self.max_steps)

    def add_evaluation(self, step: int, values: np.ndarray) -> None:
        """Add one evaluation: `values` as METRICS."""
        self._add_row(np.concatenate([[step], values]))

    def _add_row(self, row: np.ndarray) -> None:
        self.evaluations.append(row)
        if self.generalised_at is None and self.criterion.met(row[1 + METRICS.index(self.criterion.test)]):
            self.generalised_at = int(row[0])
        if self.events is not None:
            values = dict(zip(METRICS, row[1:], strict=True))
            for name, column in (("t_mem", self.criterion.train), ("t_gen", self.criterion.test)):
                if self.criterion.met(values[column]):
                    self.events.know(name, int(row[0]))

    def add_checkpoint(self, step: int, weights: dict[str, np.ndarray]) -> None:
        """Add a checkpoint; pruned weights are +0, whatever sign they had at the start."""
        if self.steps and self.steps[-1] == step:
            return
        self.steps.append(step)
        self.weights.append(with_pruned_zeros(weights, self.start.mask, self.task.arm.prunes))

    def evaluated(self, step: int, values: np.ndarray, weights: dict[str, np.ndarray]) -> EvaluatedNetwork:
        """Return copies of what is known of the arm at an evaluation, for a user's function."""
        mask = None if self.start.mask is None else {name: m.copy() for name, m in self.start.mask.items()}
        metrics = dict(zip(METRICS, map(float, values), strict=True))
        copied = with_pruned_zeros(weights, self.start.mask, self.task.arm.prunes)
        return EvaluatedNetwork(self.task.job.arm, self.task.job.seed, step, metrics, copied, mask)

    def is_at_end(self, step: int) -> bool:
        """Return True if the arm's training ends at `step`, as last evaluated."""
        settings = self.task.arm
        if step >= settings.max_steps or settings.has_settled(step, self.generalised_at):
            return True
        return settings.plateau is not None and settings.plateau.is_flat(self.evaluations)

    def write_mask(self) -> None:
        """Write the method's mask; on resuming, it may be missing or damaged."""
        if self.start.mask is not None:
            self.files.write_mask(self.start.mask)

    def save(self, state: dict[str, Any]) -> None:
        """Write everything so far, the state last."""
        self._write()
        record = self._record()
        del record["config"]
        more = {"source": self.start.source, "checkpoints": self.steps}
        self.files.write_state(state | record | more)

    def finish(self, state: dict[str, Any]) -> None:
        """Write the last files, DONE at the end; `state` is the last step's."""
        if (
            self.start.mask is None and self.task.arm.prunes
        ):  # trained scores: the mask is that of their last choice
            self.files.write_mask({name: w != 0 for name, w in prunable(self.weights[-1]).items()})
        self._write()
        self.files.write_final_state(state)
        check_finished(self.files, self.task.recipe, state["step"], self.steps)
        of_events = record_of(self.events, state["step"])
        self.files.finish(self._record() | {"steps": state["step"], "source": self.start.source} | of_events)

    def give_up(self, reason: str) -> None:
        """Delete the arm's files and record the reason.

        What was finished before is moved aside.
        """
        if self.files.has_final_state():
            restore_finished(self.files)
            move_aside(self.task.run, self.files, new_entry(self.task.run))
        self.reason = reason
        self.files.clear()
        self.files.skip(self._record() | {"reason": reason})

    def _write(self) -> None:
        """Write metrics and checkpoints."""
        rows = np.array(self.evaluations)
        columns = {name: rows[:, i] for i, name in enumerate(METRICS, start=1)}
        self.files.write_metrics({"step": rows[:, 0].astype(np.int64)} | columns)
        stacked = {name: np.stack([w[name] for w in self.weights]) for name in self.weights[0]}
        self.files.write_checkpoints(np.array(self.steps), stacked)

    def _record(self) -> dict[str, Any]:
        slots = {"slots": self.slots} if self.slots else {}
        return self.task.record() | identity(self.task, self.device) | self.earlier | slots


def identity(task: ArmTask, device: str) -> dict[str, Any]:
    """Return what the record of an arm says beside its config: code, platform and start."""
    platform = dict(platform_of(device))
    return {"code": arm_code(task.recipe, task.job.arm), "platform": platform, "start": task.start.id}
