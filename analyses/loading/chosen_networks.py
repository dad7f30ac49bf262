"""Networks of a run, opened and checked against its config.

A run that this project trained has a provenance and, for every finished arm, a DONE. A folder without a
provenance holds adopted weights: its `config.json` then needs no more than the task's `p` and the model's
sizes, and its arms no DONE, metrics or mask.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.config.plugin_use import load_recorded_plugins, without_unknown_arms
from training.config.recipe import Recipe
from training.execution.jobs import arm_status
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.run_directory import ArmDir, RunDir
from training.schema.validation import ConfigError, names


def open_networks(
    path: str, arms: Sequence[str] | None = None, steps: Sequence[int] | None = None
) -> tuple[RunDir, list[Network]]:
    """Return a run and its finished networks; unfinished ones are named on stderr.

    Raises
    ------
    ConfigError
        If an arm or step is asked for that the run has not.
    RunError
        If the run is damaged, holds nothing finished, or its config was edited after it was trained.
    """
    run = RunDir.open(path)
    recipe, trained_here = _recipe(run), run.provenance() is not None
    unknown = set(arms or ()) - set(recipe.arms)
    if unknown:
        raise ConfigError(f"--arms: expected some of {names(recipe.arms)}, got {names(unknown)}")
    chosen = [files for arm in (arms or recipe.arms) for files in run.arms() if files.arm == arm]
    only = None if steps is None else tuple(steps)
    ready = [Network(files, recipe, only) for files in chosen if _is_ready(files, recipe, trained_here)]
    if not ready:
        raise RunError(f"{path}: no arm is finished; 'python -m training RECIPE' goes on with it")
    if only is not None:
        saved = {int(step) for network in ready for step in network.files.steps()}
        if not saved >= set(only):
            missing = ", ".join(str(step) for step in sorted(set(only) - saved))
            raise ConfigError(f"--steps: expected steps with a checkpoint (0 to {max(saved)}), got {missing}")
    return run, [network for network in ready if len(network.steps) > 0]


def _recipe(run: RunDir) -> Recipe:
    """Return a run's recipe; adopted weights have defaults for what is missing."""
    config = run.config() or {}
    if run.provenance() is None:
        arms: dict[str, dict[str, str]] = {files.arm: {} for files in run.arms()}
        config = {"name": run.path.resolve().name, "task": {}, "model": {}, "arms": arms} | config
    load_recorded_plugins(config, run.path)
    readable, reasons = without_unknown_arms(config)
    if reasons and not readable["arms"]:
        arm, reason = next(iter(reasons.items()))
        raise RunError(f"{run.path}: no arm can be read: {arm} {reason}; --plugin names its module or file")
    for arm, reason in reasons.items():
        print(f"{arm}: left out: {reason}; --plugin names its module or file", file=sys.stderr)
    try:
        return recipe_from_dict({**readable, "plugins": []})
    except ConfigError as error:
        raise RunError(f"{run.path / 'config.json'}: {error}") from None


def _is_ready(files: ArmDir, recipe: Recipe, trained_here: bool) -> bool:
    """Return True for a finished network; name an unfinished one on stderr."""
    if not trained_here:
        return files.has_checkpoints()
    if files.arm not in recipe.arms:
        print(f"{files}: left out: no arm of config.json", file=sys.stderr)
        return False
    state = arm_status(files, arm_record(recipe, files.arm, files.seed))
    if state != "done":
        print(
            f"{files}: left out: {'not trained' if state == 'skipped' else 'not finished'}", file=sys.stderr
        )
    return state == "done"
