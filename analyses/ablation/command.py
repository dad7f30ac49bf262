"""Command `analyses.ablation`: components removed at every checkpoint."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.ablation.schema import ANALYSIS, COMPONENTS
from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.running.spreading import add_spreading_options, chosen_executor

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

IN_TRANSFORMERS = ("head", "attention", "mlp")
"""Components that only a transformer has."""
FIGURES = ("frequency_importance", "smallest_circuit")


def measure(networks: Sequence[Network], components: Sequence[str], workers: int | Executor) -> Result:
    """Return all tables of the networks, with their summary.

    Raises
    ------
    ConfigError
        If no network has a component that is asked for.
    """
    import pandas as pd

    from analyses.ablation.checkpoint_removals import Checkpoint, measure_checkpoint
    from analyses.ablation.measured_rows import network_tables
    from analyses.ablation.summary import summarise
    from analyses.running.spreading import spread
    from analyses.tables.long_format import gather

    chosen = tuple(components) or tuple(COMPONENTS)
    _check_components(networks, components)
    tasks = [
        Checkpoint(
            n.setting, {name: w[t] for name, w in weights.items()}, n.seed, chosen, t == len(n.steps) - 1
        )
        for n in networks
        for weights in [n.weights()]
        for t in range(len(n.steps))
    ]
    order = sorted(range(len(tasks)), key=lambda i: not tasks[i].is_last)  # the longest first
    found = spread(measure_checkpoint, [tasks[i] for i in order], workers, "checkpoints")
    by_task = dict(zip(order, found, strict=True))
    measured = (by_task[i] for i in range(len(tasks)))
    parts = [network_tables(n, list(itertools.islice(measured, len(n.steps)))) for n in networks]
    tables = {
        table: gather(rows) if (rows := [part[table] for part in parts if table in part]) else pd.DataFrame()
        for table in ANALYSIS
    }
    return Result(tables, *summarise(tables))


def _check_components(networks: Sequence[Network], components: Sequence[str]) -> None:
    from training.schema.validation import names, require

    has_attention = any(network.setting.model.name == "transformer" for network in networks)
    known = [name for name in COMPONENTS if has_attention or name not in IN_TRANSFORMERS]
    for name in components:
        require(name in known, "--components", f"some of {names(known)}, which these networks have", name)


def _add_arguments(p: argparse.ArgumentParser) -> None:
    words = "; ".join(f"{name}: {meaning}" for name, meaning in COMPONENTS.items())
    p.add_argument(
        "--components",
        nargs="+",
        choices=COMPONENTS,
        default=[],
        metavar="NAME",
        help=f"components to remove, by default all ({words})",
    )
    add_spreading_options(p)


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    with chosen_executor(args, run.path.parent) as workers:
        return measure(networks, args.components, workers)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    figures=FIGURES,
    add_arguments=_add_arguments,
    options={"components": []},
)
main = COMMAND.main
