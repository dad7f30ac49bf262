"""One arm in training: its curves so far, and its checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.config.settings import Criterion
from training.execution.arms.jobs import Job
from training.execution.arms.starting_point import StartingPoint
from training.models.weight_names import prunable
from training.optimization.evaluation import METRICS
from training.pruning.method import Mask
from training.runs.arm_directory import ArmDir


def with_pruned_zeros(
    weights: dict[str, np.ndarray], mask: Mask | None, prunes: bool
) -> dict[str, np.ndarray]:
    """Return weights whose pruned ones are +0; without a mask, of trained scores, those that are zero."""
    if not prunes:
        return weights
    kept = {name: w != 0 if mask is None else mask[name] for name, w in prunable(weights).items()}
    return weights | {name: np.where(is_kept, weights[name], 0) for name, is_kept in kept.items()}


class ArmInTraining:
    """Evaluations and checkpoints of one arm so far.

    Parameters
    ----------
    job : Job
        Arm and seed.
    files : ArmDir
        Where the arm is written.
    start : StartingPoint
        Initial weights, mask and source.
    prunes : bool
        True if the arm has a mask, by method or trained scores.
    """

    def __init__(self, job: Job, files: ArmDir, start: StartingPoint, prunes: bool):
        self.job, self.files, self.start, self.prunes = job, files, start, prunes
        self.evaluations: list[np.ndarray] = []
        """A row per evaluation: step, then METRICS."""
        self.steps: list[int] = []
        """Step of every checkpoint."""
        self.weights: list[dict[str, np.ndarray]] = []
        """Weights by name of every checkpoint."""
        self.generalised_at: int | None = None
        self.earlier: dict[str, Any] = {}
        """Fields of its record about other code or platforms that have trained it."""

    def resume(self, step: int, criterion: Criterion, eval_every: int, checkpoints: Sequence[int]) -> None:
        """Read evaluations up to a step, and checkpoints; later ones will be made again.

        An evaluation beside the multiples of `eval_every` was the end of a training that goes on.
        """
        for row in self.files.metrics()[["step", *METRICS]].to_numpy():
            if row[0] <= step and row[0] % eval_every == 0:
                self._add_row(row, criterion)
        stacked, steps = self.files.checkpoints(), self.files.steps()
        for i in np.flatnonzero(np.isin(steps, checkpoints)):
            self.add_checkpoint(int(steps[i]), {name: w[i] for name, w in stacked.items()})

    def add_evaluation(self, step: int, values: np.ndarray, criterion: Criterion) -> None:
        """Add one evaluation: `values` as METRICS."""
        self._add_row(np.concatenate([[step], values]), criterion)

    def _add_row(self, row: np.ndarray, criterion: Criterion) -> None:
        self.evaluations.append(row)
        if self.generalised_at is None and criterion.met(row[1 + METRICS.index(criterion.test)]):
            self.generalised_at = int(row[0])

    def add_checkpoint(self, step: int, weights: dict[str, np.ndarray]) -> None:
        """Add a checkpoint; pruned weights are +0, whatever sign they had at the start."""
        if self.steps and self.steps[-1] == step:
            return
        self.steps.append(step)
        self.weights.append(with_pruned_zeros(weights, self.start.mask, self.prunes))

    def write(self) -> None:
        """Write metrics and checkpoints."""
        rows = np.array(self.evaluations)
        columns = {name: rows[:, i] for i, name in enumerate(METRICS, start=1)}
        self.files.write_metrics({"step": rows[:, 0].astype(np.int64)} | columns)
        stacked = {name: np.stack([w[name] for w in self.weights]) for name in self.weights[0]}
        self.files.write_checkpoints(np.array(self.steps), stacked)
