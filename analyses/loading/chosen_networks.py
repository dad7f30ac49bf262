"""Networks of a run that an analysis reads: by arm and step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from analyses.loading.needs import LeftOut
from analyses.loading.step_ranges import Step, chosen_steps
from analyses.tables.labels import arm_label
from training.cli.printed_table import PrintedTable
from training.inspection.run import STATES, Run, open_run
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir
from training.schema.plain_content import shortened
from training.schema.validation import ConfigError, names


class ChosenNetworks(NamedTuple):
    """Networks of a run that were chosen by arm and seed."""

    run: Run
    finished: list[Network]
    unfinished: list[LeftOut]
    """Networks that cannot be read, with the reason."""

    def reasons(self) -> dict[str, str]:
        """Return the reason by unfinished network."""
        return {entry.network: entry.reason for entry in self.unfinished}


def open_networks(
    path: Run | RunDir | Path | str,
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    steps: Sequence[Step] | None = None,
) -> ChosenNetworks:
    """Return a run's networks; unfinished ones are named on stderr.

    Parameters
    ----------
    arms : sequence of str, optional
        Only these arms, in this order.
    seeds : sequence of int, optional
        Only these seeds.
    steps : sequence of int or str, optional
        Only these checkpoints: steps, and ranges of steps as `chosen_steps` reads them.

    Raises
    ------
    ConfigError
        If an arm, seed or step is asked for that the run has not.
    RunError
        If the run is damaged, holds nothing finished, or its config was edited after it was trained.
    """
    run = open_run(path)
    recipe = run.recipe
    unknown = set(arms or ()) - set(recipe.arms)
    if unknown:
        raise ConfigError(f"--arms: expected some of {names(recipe.arms)}, got {names(unknown)}")
    networks = run.networks_and_reasons()
    trained = sorted({files.seed for files, _ in networks})
    if missing := set(seeds or ()) - set(trained):
        got = names(map(str, sorted(missing)))
        raise ConfigError(f"--seeds: expected some of {names(map(str, trained))}, got {got}")
    if arms is not None:  # in the order that was asked for
        networks = [entry for arm in arms for entry in networks if entry[0].arm == arm]
    ready, unfinished = [], []
    for files, reason in networks:
        if seeds is not None and files.seed not in seeds:
            continue
        if reason is None:
            ready.append(Network(files, recipe))
            continue
        unfinished.append(LeftOut(files.arm, files.seed, reason, ""))
        print(f"{files}: left out: {reason}", file=sys.stderr)
    if not ready:
        raise RunError(f"{run.path}: {_why_none(run, unfinished)}")
    if steps is not None:
        only = chosen_steps(steps, {int(step) for network in ready for step in network.files.steps()})
        chosen = [replace(network, only_steps=only) for network in ready]
        ready = [network for network in chosen if len(network.steps) > 0]
    return ChosenNetworks(run, ready, unfinished)


def _why_none(run: Run, unfinished: Sequence[LeftOut]) -> str:
    """Return why no network can be read, and what to do about it."""
    reasons = dict.fromkeys(entry.reason for entry in unfinished)
    if not reasons:
        return "no network of these arms and seeds; --arms and --seeds choose others"
    if any(reason == STATES["new"] for reason in reasons):
        path = run.path if run.path.is_absolute() else f"./{run.path}"  # not the recipe of its name
        return f"no arm is finished; 'python -m training {path}' goes on with it"
    cure = "--force with a changed recipe trains them anew" if run.trained_here else "adopt the weights again"
    return f"no arm is trained: {shortened('; '.join(reasons), 200)}; {cure}"


def printed_left_out(left_out: Sequence[LeftOut], n_networks: int) -> list[PrintedTable]:
    """Return the networks that are in no table as a printed table; nothing if there are none.

    Parameters
    ----------
    n_networks : int
        Number of networks in the tables.
    """
    seeds: dict[tuple[str, str], list[int]] = {}
    for entry in left_out:
        if not entry.columns:
            seeds.setdefault((entry.arm, entry.reason), []).append(entry.seed)
    if not seeds:
        return []
    rows = [
        {"arm": arm_label(arm), "seeds": ", ".join(map(str, numbers)), "reason": reason}
        for (arm, reason), numbers in seeds.items()
    ]
    n = sum(map(len, seeds.values()))
    words = f"{n_networks} of {n_networks + n} networks are in these tables."
    return [PrintedTable("Networks that are left out of these tables.", rows, words)]
