"""Networks of a run that an analysis reads: by arm and step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analyses.loading.step_ranges import Step, chosen_steps
from training.inspection.run import Run, open_run
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.validation import ConfigError, names


def open_networks(
    path: Run | RunDir | Path | str, arms: Sequence[str] | None = None, steps: Sequence[Step] | None = None
) -> tuple[RunDir, list[Network]]:
    """Return a run and its finished networks; unfinished ones are named on stderr.

    Parameters
    ----------
    steps : sequence of int or str, optional
        Only these checkpoints: steps, and ranges of steps as `chosen_steps` reads them.

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
    ready = []
    for files in [files for arm in (arms or recipe.arms) for files in run.arm_dirs() if files.arm == arm]:
        if reason := run.why_unreadable(files):
            print(f"{files}: left out: {reason}", file=sys.stderr)
        else:
            ready.append(Network(files, recipe))
    if not ready:
        raise RunError(f"{run.path}: no arm is finished; 'python -m training RECIPE' goes on with it")
    if steps is not None:
        only = chosen_steps(steps, {int(step) for network in ready for step in network.files.steps()})
        ready = [replace(network, only_steps=only) for network in ready]
    return run.files, [network for network in ready if len(network.steps) > 0]
