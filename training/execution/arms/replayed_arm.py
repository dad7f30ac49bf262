"""Arm trained again from step 0 as its record says it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from training.execution.arms.arm_in_training import with_pruned_zeros
from training.execution.arms.jobs import ArmTask
from training.execution.arms.slot_training import begin_arm, engine_of
from training.execution.arms.sources.arm_events import events_of
from training.execution.arms.sources.starting_point import StartingPoint
from training.optimization.events.slot_events import SlotEvents


class ReplayedArm:
    """Arm that is trained again.

    Parameters
    ----------
    slots : sequence of (int, int)
        On a GPU: from which step the arm shared a batch with how many slots, of which its bits depend.
    """

    def __init__(self, task: ArmTask, start: StartingPoint, device: str, slots: Sequence[Sequence[int]] = ()):
        self.mask, self.prunes = start.mask, task.arm.prunes
        self.engine = engine_of([task], [start], device)
        begin_arm(self.engine, 0, start)
        self.engine.put_events(0, _events_as_recorded(task, start))
        self.slots = list(slots)

    def run_to(self, step: int) -> None:
        """Train up to a step."""
        while self.slots and self.slots[0][0] <= step:
            begin, n_slots = self.slots.pop(0)
            self.engine.run(begin - self.engine.ages[0])
            self.engine.keep([0], n_slots)
        self.engine.run(step - self.engine.ages[0])

    def evaluate(self) -> np.ndarray:
        """Return the metrics now, as `evaluation.METRICS`."""
        return self.engine.evaluate()[0]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights as last evaluated, as a checkpoint has them."""
        return with_pruned_zeros(self.engine.arm_weights(0), self.mask, self.prunes)

    def state(self) -> dict[str, Any]:
        """Return the state to continue the arm from."""
        return self.engine.arm_state(0)


def _events_as_recorded(task: ArmTask, start: StartingPoint) -> SlotEvents | None:
    """Return an arm's events; those that wait for its own times act where its metrics say."""
    events = events_of(task, start)
    if events is not None and events.is_waiting:
        criterion = task.setting.stop_criterion
        times = criterion.times(task.files.metrics(criterion.train, criterion.test))
        for name in ("t_mem", "t_gen"):
            if (step := getattr(times, name).at) is not None:
                events.know(name, step)
    return events
