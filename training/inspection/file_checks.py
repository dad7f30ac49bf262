"""Files of one arm, checked against its recipe and against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.config.recipe import Recipe
from training.config.settings import Measure
from training.models.weight_names import prunable
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.schema.plain_content import shown


def check_finished(files: ArmDir, recipe: Recipe, steps: int, checkpoints: Sequence[int]) -> None:
    """Raise a `RunError` unless a finished arm's files fit its recipe and each other.

    Every evaluation and checkpoint up to the last step is there, weights have the model's shapes and are
    finite, and pruned ones are zero at every checkpoint.

    Parameters
    ----------
    steps : int
        Steps that the arm was trained.
    checkpoints : sequence of int
        Steps of its checkpoints.
    """
    _check_evaluations(files, _due(recipe.measure, steps), at_least=False)
    _check_checkpoints(files, recipe, list(checkpoints))


def scheduled_steps(recipe: Recipe, arm: str, steps: int) -> list[int]:
    """Return the steps at which an arm of so many steps has saved its weights, grids around events apart."""
    due = _due(recipe.measure, steps)
    return [step for step in due if step == steps or recipe.is_checkpoint(arm, step)]


def check_half_trained(
    files: ArmDir, recipe: Recipe, step: int, checkpoints: Sequence[int] | None = None
) -> None:
    """Raise a `RunError` unless a half trained arm can continue from a step.

    Parameters
    ----------
    checkpoints : sequence of int, optional
        Steps of the checkpoints that its state names; by default those of the recipe's grids.
    """
    # Between two evaluations it stands where another arm of its batch ended.
    most = int(files.metrics()["step"].iloc[-1]) + recipe.measure.eval_every - 1
    if not 0 <= step <= most:
        raise RunError(f"{files.path / 'state.pt'}: expected a step up to {most}, got {shown(step)}")
    due = [at for at in _due(recipe.measure, step) if at % recipe.measure.eval_every == 0]
    _check_evaluations(files, due, at_least=True)
    if checkpoints is None:
        checkpoints = [at for at in due if recipe.is_checkpoint(files.arm, at)]
    if missing := sorted({*checkpoints} - {*files.steps().tolist()}):
        raise RunError(f"{files.path}: its checkpoints lack step {missing[0]}, which its state names")
    check_shapes(files, recipe)


def check_mask_fits(
    files: ArmDir, mask: Mapping[str, np.ndarray], stacked: Mapping[str, np.ndarray], trains_scores: bool
) -> None:
    """Raise a `RunError` unless a mask is that of the weights' zeros.

    A pruned weight is zero at every checkpoint, a kept one at some checkpoint is not; without the checkpoint
    at step 0 it may have decayed to zero. Where trained scores choose, the mask is that of the last
    checkpoint.
    """
    has_start = files.steps()[0] == 0
    for name, is_kept in mask.items():
        weights = stacked[name][-1:] if trains_scores else stacked[name]
        is_used = weights.any(axis=0)
        wrong = int((is_used != is_kept if has_start else is_used & ~is_kept).sum())
        if wrong:
            raise RunError(
                f"{files.path / 'mask.safetensors'}: {name}: expected the weights' zeros to be those pruned, "
                f"and {wrong:,} of {is_kept.size:,} entries differ; restore the file from a copy"
            )


def check_shapes(files: ArmDir, recipe: Recipe) -> dict[str, np.ndarray]:
    """Return an arm's weights, whose names, shapes and values were checked."""
    stacked, path = files.checkpoints(), files.path / "checkpoints.safetensors"
    n_steps = len(files.steps())
    shapes = {name: (n_steps, *shape) for name, shape in recipe.setting(files.arm).shapes().items()}
    got = {name: w.shape for name, w in stacked.items()}
    if got != shapes:
        raise RunError(f"{path}: expected weights of shapes {shown(shapes)}, got {shown(got)}")
    for name, w in stacked.items():
        if w.dtype.kind != "f" or not np.isfinite(w).all():
            raise RunError(f"{path}: {name}: expected finite numbers")
    return stacked


def _check_checkpoints(files: ArmDir, recipe: Recipe, expected: list[int]) -> None:
    steps = files.steps().tolist()
    if steps != expected:
        raise RunError(f"{files.path}: expected checkpoints at {shown(expected)}, got {shown(steps)}")
    stacked, mask, arm = check_shapes(files, recipe), files.mask(), recipe.arms[files.arm]
    if (mask is not None) != arm.prunes:
        raise RunError(
            f"{files.path / 'mask.safetensors'}: {'missing' if mask is None else 'of a dense network'}"
        )
    if mask is not None:
        shapes = {name: w.shape[1:] for name, w in prunable(stacked).items()}
        if {name: is_kept.shape for name, is_kept in mask.items()} != shapes:
            raise RunError(f"{files.path / 'mask.safetensors'}: expected shapes {shown(shapes)}")
        check_mask_fits(files, mask, stacked, arm.trains_scores)


def _check_evaluations(files: ArmDir, expected: list[int], at_least: bool) -> None:
    """Check the steps of an arm's metrics; `at_least`: later ones may follow."""
    steps = files.metrics()["step"].tolist()
    if (steps[: len(expected)] if at_least else steps) != expected:
        raise RunError(f"{files.path / 'metrics.parquet'}: steps are not those of the recipe's evaluations")


def _due(measure: Measure, last: int) -> list[int]:
    """Return the steps of an arm's evaluations, the last one included."""
    return sorted({*range(0, last + 1, measure.eval_every), last})
