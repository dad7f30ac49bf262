"""Events of an arm, with what they read of other arms of its seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from training.config.checks.event_checks import event_target
from training.config.recipe import Recipe
from training.execution.arms.sources.reasons import NotTrained, event_arm_not_trained, no_checkpoint
from training.optimization.events.base import ArmInputs, Event
from training.optimization.events.slot_events import SlotEvents
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    from training.execution.arms.jobs import ArmTask
    from training.execution.arms.sources.starting_point import StartingPoint
    from training.pruning.method import Mask


def events_of(task: ArmTask, start: StartingPoint) -> SlotEvents | None:
    """Return the events of an arm; the arms that they read are finished. None without any."""
    if not task.arm.events:
        return None
    inputs = RunInputs(task, start)
    times: dict[tuple[str | None, str], int | None] = {
        (of, name): event_time(task.recipe, task.job.arm, of, name, inputs.files)
        for _, of, name in named_times(task.arm.events)
    }
    return SlotEvents(task.arm.events, task.setting.optimizer, inputs, times)


def check_event_arms(recipe: Recipe, arm: str, files: Callable[[str], ArmDir]) -> None:
    """Check that the arms that an arm's events read have what is read.

    Raises
    ------
    NotTrained
        If one was not trained, has no checkpoint at the step that is read, or has not reached the time that
        an event waits for.
    """
    events = recipe.arms[arm].events
    for event in events:
        for name in event.arms_read():
            done = files(name).done()
            if done is None:
                raise NotTrained(event_arm_not_trained(files(name)))
    for i, event in enumerate(events):
        for name, step in event.checkpoints_read():
            steps = files(name).steps()
            if step not in steps:
                field = f"arms.{arm}.events[{i}].step"
                raise NotTrained(no_checkpoint(files(name), step, f"it ended at {steps[-1]}", field))
    for i, of, name in named_times(events):
        at = event_time(recipe, arm, of, name, files)
        if at is None or at < 0:
            step = files(of).done()["steps"]  # type: ignore[index]
            state = (
                f"has not reached by step {step}" if at is None else f"had before from_step, by {-at} steps"
            )
            raise NotTrained(f"events[{i}] waits for {name} of {files(of)}, which it {state}")


def named_times(events: tuple[Event, ...]) -> list[tuple[int, str, str]]:
    """Return number, arm and name of every time of another arm that events wait for."""
    return [
        (i, event.of, name)
        for i, event in enumerate(events)
        for name in (event.at, event.until)
        if event.of is not None and isinstance(name, str)
    ]


def event_time(recipe: Recipe, arm: str, of: str, name: str, files: Callable[[str], ArmDir]) -> int | None:
    """Return another arm's t_mem or t_gen in an arm's own steps; None if it has not reached it.

    The level is `measure.stop_threshold`. An arm that branches off the other one counts from there.
    """
    criterion = recipe.setting(of).stop_criterion
    metrics = files(of).metrics(criterion.train, criterion.test, measured=criterion.train)
    at = getattr(criterion.times(metrics), name).at
    begun = recipe.arms[arm].from_step if recipe.first_of_lineage(arm) == of else None
    return None if at is None else at - (begun or 0)


class RunInputs(ArmInputs):
    """Inputs of an arm's events, read from its run.

    Parameters
    ----------
    task : ArmTask
        The arm.
    start : StartingPoint
        Its initial weights and mask.
    """

    def __init__(self, task: ArmTask, start: StartingPoint):
        self.task, self.start, self.own_mask, self.seed = task, start, start.mask, task.job.seed
        self.target = event_target(task.recipe, task.job.arm)

    def files(self, arm: str) -> ArmDir:
        """Return the directory of an arm of the same seed."""
        return self.task.run.arm(arm, self.task.job.seed)

    def mask(self, arm: str) -> Mask:
        """Return the mask of another arm of the seed."""
        mask = self.files(arm).mask()
        if mask is None:
            path = self.files(arm).path / "mask.safetensors"
            raise RunError(f"{path}: missing; --force trains {self.files(arm)} anew")
        return mask

    def weights(self, arm: str, step: int | None = None) -> dict[str, np.ndarray]:
        """Return the weights of another arm of the seed at a step, by default its last checkpoint."""
        steps = self.files(arm).steps()
        rows = np.flatnonzero(steps == (steps[-1] if step is None else step))
        if not rows.size:
            path = self.files(arm).path / "checkpoints.safetensors"
            raise RunError(f"{path}: lacks step {step}, which an event of {self.task.job.arm} reads")
        return self.files(arm).checkpoints(row=int(rows[0]))

    def pruned(
        self, method: str, weights: Mapping[str, np.ndarray], sparsity: float | None, scope: str | None
    ) -> Mask:
        """Return the mask that a method makes of an arm's weights; raises `CannotPrune`."""
        from training.optimization.objective import training_objective
        from training.pruning.method import Subject
        from training.pruning.registry import METHODS

        setting, pruning, job = self.task.setting, self.task.recipe.pruning, self.task.job
        outputs, loss = training_objective(setting.model, setting.task.build())
        initial = setting.initial_weights(job.seed)
        subject = Subject(
            initial={name: w.numpy() for name, w in initial.items()},
            final=dict(weights),
            source_mask=self.own_mask,
            density=1 - (pruning.sparsity if sparsity is None else sparsity),
            scope=cast(Literal["global", "layer"], scope or pruning.scope),
            min_per_layer=pruning.min_per_layer,
            generator=np.random.default_rng([job.seed, zlib.crc32(f"{job.arm} event".encode())]),
            outputs=outputs,
            loss=loss,
            flow=setting.model.implementation().flow,
        )
        return METHODS[method].prune(subject)


def record_of(events: SlotEvents | None, steps: int) -> dict[str, Any]:
    """Return the entry of an arm's record about its events; none without events."""
    return {} if events is None else {"events": events.record(steps)}
