"""Which arms a recipe makes, what each needs first, and what it starts from."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.architectures.registry import prunable
from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.execution.jobs import Job
from training.pruning.elastic import copied
from training.pruning.method import CannotPrune, Subject
from training.pruning.registry import METHODS, STARTS
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir


@dataclass(frozen=True)
class Start:
    """What an arm begins with."""

    weights: dict[str, np.ndarray]
    """Before any mask; θ₀, the same for every arm of a seed, unless the recipe says otherwise."""
    mask: dict[str, np.ndarray] | None
    source: dict[str, Any] | None
    """For a pruned arm with a source: which network, at which step, and whether it had generalised."""


class NotTrained(Exception):
    """An arm that cannot be trained as the recipe says, for the reason given."""


def prepare(recipe: Recipe, run: RunDir, job: Job) -> Start:
    """θ₀ and the mask of an arm whose source, if it has one, is finished.

    Raises
    ------
    NotTrained
        If the recipe asks for a generalised source and this one is not, or was itself not trained, or the
        method leaves nothing to train.
    """
    from training.models.registry import MODELS
    from training.optimization.engine import objective

    arm, setting = recipe.arms[job.arm], recipe.setting(job.arm)
    source = None if arm.source is None else run.arm(arm.source, job.seed)
    said = None if source is None else _source(recipe, source, job.arm)
    initial = _beginning(recipe, run, job.arm, job.seed, step=None)
    generator = np.random.default_rng([job.seed, zlib.crc32(job.arm.encode())])
    source_mask = None if source is None else source.mask()
    mask = None
    if arm.has_method:
        outputs, loss = objective(setting)
        final = None
        if source is not None and arm.reads_weights:
            final = _checkpoint(source, arm.source_step, setting.shapes())
        subject = Subject(
            initial=initial,
            final=final,
            source_mask=source_mask,
            density=1 - recipe.sparsity(job.arm),
            scope=recipe.scope(job.arm),
            min_per_layer=recipe.pruning.min_per_layer,
            generator=generator,
            outputs=outputs,
            loss=loss,
            flow=MODELS[setting.model.function].flow,
            layers=arm.layers,
        )
        try:
            mask = METHODS[arm.method].prune(subject)
        except CannotPrune as reason:
            raise NotTrained(str(reason)) from None
    weights = _beginning(recipe, run, job.arm, job.seed, arm.from_step)
    everything = {name: np.ones(w.shape, dtype=bool) for name, w in prunable(weights).items()}
    reference = mask or source_mask or everything
    begun = STARTS[arm.start].start(weights, reference, generator, setting.model.deviation, arm.norm_scope)
    return Start(begun, mask, said)


def _beginning(recipe: Recipe, run: RunDir, arm: str, seed: int, step: int | None) -> dict[str, np.ndarray]:
    """θ₀ of an arm, or the weights of its lineage's first arm at a step; through its map of layers."""
    from training.optimization.engine import start

    own = recipe.arms[arm]
    if own.layers is not None:
        assert own.source is not None
        return copied(_beginning(recipe, run, own.source, seed, step), own.layers)
    if step is None:
        return {name: w.numpy() for name, w in start(recipe.setting(arm), seed).items()}
    if own.source is not None:
        return _beginning(recipe, run, own.source, seed, step)
    return _checkpoint(run.arm(arm, seed), step, recipe.setting(arm).shapes())


def _checkpoint(files: ArmDir, step: int | None, layers: Iterable[str]) -> dict[str, np.ndarray]:
    """The weights of an arm at a step, or its last ones."""
    steps, row = files.steps(), -1
    if step is not None:
        rows = np.flatnonzero(steps == step)
        if not len(rows):
            raise NotTrained(f"{files} has no checkpoint at step {step}: it ended at {steps[-1]}")
        row = rows[0]
    stacked = files.checkpoints()
    return {name: stacked[name][row] for name in layers}


def _source(recipe: Recipe, files: ArmDir, arm: str) -> dict[str, Any]:
    """What a record says of an arm's source; a ticket's must have generalised."""
    if files.done() is None:
        raise NotTrained(f"its source {files} was not trained")
    step = recipe.arms[arm].source_step
    said: dict[str, Any] = {"arm": files.arm, "seed": files.seed, "step": int(files.steps()[-1])}
    if step is not None:
        said["step"] = step
    if recipe.arms[arm].reads_weights:
        criterion = recipe.setting(files.arm).criterion
        said |= generalisation(criterion, files, said["step"])
        if recipe.pruning.require_generalised and not said["generalised"]:
            reached = "it has no test set"
            if (last := said[criterion.test]) is not None:
                reached = f"test {criterion.quantity} {last:.3g} at step {said['step']}"
            raise NotTrained(f"its source {files} has not generalised: {reached}")
    if recipe.arms[files.arm].prunes and files.mask() is None:
        raise RunError(f"{files.path / 'mask.safetensors'}: missing")
    return said


def generalisation(criterion: Criterion, files: ArmDir, step: int | None = None) -> dict[str, Any]:
    """Whether a finished arm met the criterion on its test set by a step, and where its test curve stood.

    Without a test set it did not, and there is no curve: None.
    """
    metrics = files.metrics()
    if step is not None:
        metrics = metrics[metrics["step"] <= step]
    reached = not criterion.times(metrics).t_gen.censored
    return {"generalised": reached, criterion.test: known(float(metrics[criterion.test].iloc[-1]))}


def known(value: float) -> float | None:
    """A measured number for JSON, which has no NaN: None in its place."""
    return None if math.isnan(value) else value
