"""Networks of a run that an analysis reads: by arm and step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from training.inspection.run import Run, open_run
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, names


def open_networks(
    path: Run | RunDir | Path | str, arms: Sequence[str] | None = None, steps: Sequence[int] | None = None
) -> tuple[RunDir, list[Network]]:
    """Return a run and its finished networks; unfinished ones are named on stderr.

    Raises
    ------
    ConfigError
        If an arm or step is asked for that the run has not.
    RunError
        If the run is damaged, holds nothing finished, or its config was edited after it was trained.
    """
    run = open_run(path)
    recipe = run.recipe
    unknown = set(arms or ()) - set(recipe.arms)
    if unknown:
        raise ConfigError(f"--arms: expected some of {names(recipe.arms)}, got {names(unknown)}")
    only = None if steps is None else tuple(steps)
    ready = []
    for files in [files for arm in (arms or recipe.arms) for files in run.arm_dirs() if files.arm == arm]:
        if reason := run.why_unreadable(files):
            print(f"{files}: left out: {reason}", file=sys.stderr)
        else:
            ready.append(Network(files, recipe, only))
    if not ready:
        raise RunError(f"{run.path}: no arm is finished; 'python -m training RECIPE' goes on with it")
    if only is not None:
        saved = {int(step) for network in ready for step in network.files.steps()}
        if not saved >= set(only):
            missing = ", ".join(str(step) for step in sorted(set(only) - saved))
            raise ConfigError(f"--steps: expected steps with a checkpoint (0 to {max(saved)}), got {missing}")
    return run.files, [network for network in ready if len(network.steps) > 0]
