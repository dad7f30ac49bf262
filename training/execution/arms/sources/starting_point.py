"""Starting point of an arm: initial weights, mask, source."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.execution.arms.sources.arm_events import check_event_arms
from training.execution.arms.sources.reasons import NotTrained, no_checkpoint, source_not_trained
from training.inspection.outcomes import generalisation
from training.models.weight_names import prunable
from training.pruning.elastic import copied
from training.pruning.method import CannotPrune, Mask, Subject
from training.pruning.registry import METHODS, STARTS
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

if TYPE_CHECKING:
    from torch import Tensor

    from training.execution.arms.jobs import Job

PRUNE_ANYWAY = "--set pruning.require_generalised=false prunes it anyway"
"""What to type for a ticket of a network that has not generalised."""


@dataclass(frozen=True)
class StartingPoint:
    """Initial weights of an arm, its mask, and its source."""

    weights: dict[str, np.ndarray]
    """Before any mask; θ₀, which all arms of a seed share, unless the recipe names another start."""
    mask: Mask | None
    source: dict[str, Any] | None
    """Network that the arm read: its arm, seed and step; for a ticket also whether it had generalised."""
    moments: Mapping[str, Sequence[Tensor]] | None = None
    """Tensors of the optimizer that the arm goes on with, by name; None for zeros."""
    updates: int = 0
    """Updates that the optimizer has had with these moments."""


def starting_point(recipe: Recipe, run: RunDir, job: Job) -> StartingPoint:
    """Return an arm's starting point; its source is finished.

    An arm that is begun or finished keeps the step of its source that it has read, though the source may have
    been trained on since.

    Raises
    ------
    NotTrained
        If the source was not trained, or has to have generalised and has not, or the method leaves no weight.
    """
    arm, setting = recipe.arms[job.arm], recipe.setting(job.arm)
    source = None if arm.source is None else run.arm(arm.source, job.seed)
    check_event_arms(recipe, job.arm, lambda name: run.arm(name, job.seed))
    source_record = checked_source(
        recipe, job.arm, lambda name: run.arm(name, job.seed), recorded_step(run.arm(job.arm, job.seed))
    )
    source_mask = None if source is None else source.mask()
    if source is not None and source_mask is None and recipe.arms[source.arm].prunes:
        raise RunError(f"{source.path / 'mask.safetensors'}: missing; --force trains {source} anew")
    generator = np.random.default_rng([job.seed, zlib.crc32(job.arm.encode())])
    mask = None
    if arm.has_method:
        step = None if source_record is None else source_record["step"]
        mask = _mask(recipe, run, job, step, source_mask, generator)
    weights = _initial_weights(recipe, run, job.arm, job.seed, arm.from_step)
    unpruned = {name: np.ones(w.shape, dtype=bool) for name, w in prunable(weights).items()}
    started = STARTS[arm.start].start(
        weights, mask or source_mask or unpruned, generator, setting.model.deviation, arm.norm_scope
    )
    return StartingPoint(started, mask, source_record)


def recorded_step(files: ArmDir) -> int | None:
    """Return the step of its source that a network has read; None before it is begun."""
    source = files.recorded_source()
    return None if source is None else int(source["step"])


def _mask(
    recipe: Recipe,
    run: RunDir,
    job: Job,
    step: int | None,
    source_mask: Mask | None,
    generator: np.random.Generator,
) -> Mask:
    """Return the mask that an arm's pruning method makes of its source at a step."""
    from training.optimization.objective import training_objective

    arm, setting = recipe.arms[job.arm], recipe.setting(job.arm)
    outputs, loss = training_objective(setting.model, setting.task.build())
    final = None
    if arm.reads_weights:
        assert arm.source is not None
        final = _checkpoint(run.arm(arm.source, job.seed), step, setting.shapes())
    subject = Subject(
        initial=_initial_weights(recipe, run, job.arm, job.seed, step=None),
        final=final,
        source_mask=source_mask,
        density=1 - recipe.sparsity(job.arm),
        scope=recipe.scope(job.arm),
        min_per_layer=recipe.pruning.min_per_layer,
        generator=generator,
        outputs=outputs,
        loss=loss,
        flow=setting.model.implementation().flow,
        layers=arm.layers,
    )
    try:
        return METHODS[arm.method].prune(subject)
    except CannotPrune as reason:
        raise NotTrained(str(reason)) from None


def _initial_weights(
    recipe: Recipe, run: RunDir, arm: str, seed: int, step: int | None
) -> dict[str, np.ndarray]:
    """Return θ₀ of an arm, or its lineage's first arm at a step.

    Layers are copied by the arm's map, if it has one.
    """
    settings = recipe.arms[arm]
    if settings.layers is not None:
        assert settings.source is not None
        return copied(_initial_weights(recipe, run, settings.source, seed, step), settings.layers)
    if step is None:
        return {name: w.numpy() for name, w in recipe.setting(arm).initial_weights(seed).items()}
    if settings.source is not None:
        return _initial_weights(recipe, run, settings.source, seed, step)
    return _checkpoint(run.arm(arm, seed), step, recipe.setting(arm).shapes())


def _checkpoint(files: ArmDir, step: int | None, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return an arm's weights at a step, or its last ones."""
    row = -1 if step is None else int(np.flatnonzero(files.steps() == step)[0])
    stacked = files.checkpoints()
    return {name: stacked[name][row] for name in names}


def checked_source(
    recipe: Recipe, arm: str, files: Callable[[str], ArmDir], recorded: int | None = None
) -> dict[str, Any] | None:
    """Return DONE's entry about an arm's source; None for an arm without one.

    Parameters
    ----------
    files : callable
        Returns the files of an arm of this lineage; the source is finished, or will never be.
    recorded : int, optional
        Step of the source that the arm has read already.

    Raises
    ------
    NotTrained
        If the source was not trained, has no checkpoint at the step that the arm reads, or has to have
        generalised and has not.
    """
    settings = recipe.arms[arm]
    if settings.source is None:
        return None
    source = files(settings.source)
    if source.done() is None:
        raise NotTrained(source_not_trained(source))
    step = int(source.steps()[-1]) if settings.source_step is None else settings.source_step
    if recorded is not None:
        step = recorded
        if step not in source.steps():
            raise RunError(
                f"{source.path / 'checkpoints.safetensors'}: lacks step {step}, which {arm} was made from"
            )
    record: dict[str, Any] = {"arm": source.arm, "seed": source.seed, "step": step}
    if settings.reads_weights:
        criterion = recipe.setting(source.arm).stop_criterion
        record |= generalisation(criterion, source, step)
        if recipe.pruning.require_generalised and not record["generalised"]:
            raise NotTrained(_not_generalised(source, record, criterion, arm))
    for field, name, step_read in checkpoints_read(recipe, arm):
        steps = files(name).steps()
        if step_read not in steps:
            raise NotTrained(no_checkpoint(files(name), step_read, f"it ended at {steps[-1]}", field))
    return record


def checkpoints_read(recipe: Recipe, arm: str) -> list[tuple[str, str, int]]:
    """Return field, arm and step of each checkpoint that an arm reads."""
    settings, needed = recipe.arms[arm], []
    if settings.source is not None and settings.source_step is not None:
        needed.append((f"arms.{arm}.source_step", settings.source, settings.source_step))
    if settings.from_step is not None:
        needed.append((f"arms.{arm}.from_step", recipe.first_of_lineage(arm), settings.from_step))
    return needed


def no_test_set(source: object) -> str:
    """Return the reason for skipping a ticket of a network without a test set."""
    return f"its source {source} has not generalised: it has no test set; {PRUNE_ANYWAY}"


def _not_generalised(source: ArmDir, record: dict[str, Any], criterion: Criterion, arm: str) -> str:
    """Return the reason for skipping a ticket, and what to type to train it."""
    test, step = record[criterion.test], record["step"]
    if test is None:
        return no_test_set(source)
    if generalisation(criterion, source)["generalised"]:
        cure = f"{_setting(arm, 'source_step', 'STEP')} names a later step"
    else:
        cure = f"{_setting(source.arm, 'max_steps', max(2 * step, 1000))} trains it longer"
    state = f"test {criterion.quantity} {test:.3g} at step {step}"
    return f"its source {source} has not generalised: {state}; {cure}, {PRUNE_ANYWAY}"


def _setting(arm: str, field: str, value: object) -> str:
    """Return how a user sets a field of an arm."""
    if "." in arm:  # its name says values, and the recipe has the arm that it is a cell of
        return f"{field} = {value} of {arm}, set in the recipe,"
    return f"--set arms.{arm}.{field}={value}"
