"""Run, opened for reading: its recipe, its networks and their outcomes.

A run that this project trained has a provenance and, for every finished arm, a DONE. A folder without a
provenance holds adopted weights: its `config.json` then needs no more than the task's `p` and the model's
sizes, and its arms no DONE, metrics or mask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.config.arm_config import arm_record
from training.config.build_recipe import recipe_from_dict
from training.config.plugin_use import load_recorded_plugins, without_unknown_arms
from training.config.recipe import Recipe
from training.inspection.arm_status import arm_status
from training.inspection.outcomes import outcomes
from training.inspection.trained_network import Network
from training.runs.arm_directory import ArmDir
from training.runs.atomic_files import RunError
from training.runs.network_list import listed_networks
from training.runs.run_directory import RunDir
from training.schema.plain_content import shown
from training.schema.validation import ConfigError, names

if TYPE_CHECKING:
    import pandas as pd

STATES = {"skipped": "not trained", "half trained": "not finished", "new": "not finished"}
"""Words for the status of a network that cannot be read."""
ADOPTED_COLUMNS = ["arm", "seed", "t_mem", "t_gen"]
"""Columns of the outcomes of adopted weights, beside their status."""


class MissingNetworkError(ConfigError, KeyError):
    """Arm and seed that a run does not have, or has not finished."""

    __str__ = Exception.__str__  # KeyError's would quote the message


class Run:
    """Run directory, opened for reading.

    `run["grokked_ticket", 0]` is one finished network; a loop over the run yields all of them.

    Parameters
    ----------
    files : RunDir
        Its directory, which exists.

    Attributes
    ----------
    files : RunDir
        Paths and file formats.
    recipe : Recipe
        What it was trained by.
    unknown_arms : dict
        Reason why an arm is not in `recipe`, by arm: a plug-in that it needs is missing.
    """

    def __init__(self, files: RunDir):
        self.files = files
        self.recipe, self.unknown_arms = _recipe(files)
        self.trained_here = files.provenance() is not None

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return self.files.path

    @property
    def networks(self) -> list[Network]:
        """Finished networks, in the order of the recipe's arms."""
        return [
            Network(files, self.recipe) for files, reason in self.networks_and_reasons() if reason is None
        ]

    @property
    def outcomes(self) -> pd.DataFrame:
        """Status and times of every arm and seed, a row each."""
        import pandas as pd

        if self.trained_here:
            return pd.DataFrame(outcomes(self.files, self.recipe))
        rows = [{name: getattr(network, name) for name in ADOPTED_COLUMNS} for network in self.networks]
        return pd.DataFrame(rows, columns=ADOPTED_COLUMNS).assign(status="adopted")

    def arm_dirs(self) -> list[ArmDir]:
        """Return the files of every arm and seed, in the recipe's order (`listed_networks`)."""
        seeds = self.recipe.seeds if self.trained_here else ()
        return listed_networks(self.files, self.recipe.arms, seeds)

    def why_unreadable(self, files: ArmDir) -> str | None:
        """Return why an arm and seed cannot be read; None for a finished network.

        Raises
        ------
        RunError
            If it was finished with another config than the run's.
        """
        if not self.trained_here:
            return None if files.has_checkpoints() else "no checkpoints"
        status = arm_status(files, arm_record(self.recipe, files.arm, files.seed))
        skipped = files.skipped() if status == "skipped" else None
        return STATES.get(status) if skipped is None else f"{STATES[status]}: {skipped['reason']}"

    def networks_and_reasons(self) -> list[tuple[ArmDir, str | None]]:
        """Return every arm and seed, and why it cannot be read; None for a finished network."""
        unknown = listed_networks(self.files, self.unknown_arms)
        return [
            *((files, self.why_unreadable(files)) for files in self.arm_dirs()),
            *((files, self.unknown_arms[files.arm]) for files in unknown),
        ]

    def __getitem__(self, key: Any) -> Network:
        """Return one finished network, by (arm, seed).

        Raises
        ------
        MissingNetworkError
            If the run has no such arm or seed, or has not finished it.
        """
        networks = {(network.arm, network.seed): network for network in self.networks}
        if key in networks:
            return networks[key]
        for files in self.arm_dirs():
            if (files.arm, files.seed) == key:
                raise MissingNetworkError(f"{self.path}: {files}: {self.why_unreadable(files)}")
        arms = names(dict.fromkeys(arm for arm, _ in networks)) or "none"
        seeds = names(map(str, sorted({seed for _, seed in networks}))) or "none"
        raise MissingNetworkError(
            f'{self.path}: expected run["ARM", SEED] with an arm of {arms} and a seed of {seeds}, '
            f"got {shown(key)}"
        )

    def __iter__(self) -> Iterator[Network]:
        return iter(self.networks)

    def __len__(self) -> int:
        return len(self.networks)

    def __repr__(self) -> str:
        lines = [f"Run({str(self.path)!r}: {self.recipe.setting(next(iter(self.recipe.arms))).describe()})"]
        seeds: dict[str, list[str]] = {arm: [] for arm in self.recipe.arms}
        for network in self.networks:
            seeds[network.arm].append(str(network.seed))
        for arm, trained in seeds.items():
            lines.append(f"  {arm}: {'seeds ' + ', '.join(trained) if trained else 'no finished network'}")
        return "\n".join(lines)

    def _ipython_key_completions_(self) -> list[tuple[str, int]]:
        """Return what `run[…]` completes to in IPython."""
        return [(network.arm, network.seed) for network in self.networks]


def open_run(path: Run | RunDir | Path | str) -> Run:
    """Return a run by its folder, for reading.

    Parameters
    ----------
    path : path, RunDir or Run
        Folder of the run, as "runs/modadd_fast".

    Raises
    ------
    NoRunError
        If the folder does not exist or holds no run.
    RunError
        If the run is damaged.
    """
    if isinstance(path, Run):
        return path
    return Run(RunDir.open(path.path if isinstance(path, RunDir) else path))


def _recipe(run: RunDir) -> tuple[Recipe, dict[str, str]]:
    """Return a run's recipe, and why arms are missing from it.

    Adopted weights have defaults for what is missing.
    """
    config = run.config() or {}
    if run.provenance() is None:
        masked = {files.arm for files in run.arms() if files.has_mask()}
        arms: dict[str, dict[str, str]] = {
            files.arm: {"role": "variant"} if files.arm in masked else {} for files in run.arms()
        }
        config = {"name": run.path.resolve().name, "task": {}, "model": {}, "arms": arms} | config
    load_recorded_plugins(config, run.path)
    readable, reasons = without_unknown_arms(config)
    if reasons and not readable["arms"]:
        arm, reason = next(iter(reasons.items()))
        raise RunError(f"{run.path}: no arm can be read: {arm} {reason}; --plugin names its module or file")
    for arm, reason in reasons.items():
        print(f"{arm}: left out: {reason}; --plugin names its module or file", file=sys.stderr)
    try:
        return recipe_from_dict({**readable, "plugins": []}), dict(reasons)
    except ConfigError as error:
        raise RunError(f"{run.path / 'config.json'}: {error}") from None
