"""Command `analyses.progress`: progress measures at every checkpoint."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.progress.schema import (
    ANALYSIS,
    FREQUENCIES,
    HEADS,
    KEY_FREQUENCIES,
    MEASURES,
    PHASES,
    RULES,
)
from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.running.spreading import add_spreading_options, chosen_executor

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.progress.checkpoint_measures import CheckpointMeasures, KeyFrequencies
    from analyses.tables.schema import Table
    from training.execution.scheduling.executor import Executor
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

DEFAULT_RULE = "logit_map"
"""Default of `--rule`: a wave that the neurons add to the logits is in the neuron-logit map, whatever the
activation, while one that few neurons share with another is in no cluster of neurons."""


def measure(networks: Sequence[Network], rule: str, workers: int | Executor) -> Result:
    """Return all tables of the networks, with their summary."""
    from dataclasses import replace

    from analyses.progress.checkpoint_measures import Checkpoint, measure_checkpoint
    from analyses.progress.loss_falls import phases
    from analyses.progress.summary import summarise
    from analyses.running.spreading import spread
    from analyses.tables.long_format import gather

    p = max(network.p for network in networks)
    ends = [replace(n, only_steps=(int(n.files.steps()[-1]),)) for n in networks]
    last = [Checkpoint(n.setting, weights, rule, None) for n in ends for weights in _by_step(n)]
    finals = [m.key_frequencies for m in spread(measure_checkpoint, last, workers, "networks")]
    with_final = list(zip(networks, finals, strict=True))
    tasks = [
        Checkpoint(n.setting, weights, rule, final) for n, final in with_final for weights in _by_step(n)
    ]
    measured = spread(measure_checkpoint, tasks, workers, "checkpoints")
    parts = [
        _network_tables(n, final[rule], list(itertools.islice(measured, len(n.steps))))
        for n, final in with_final
    ]
    tables = {table: gather([part[table] for part in parts]) for table in parts[0]}
    tables[PHASES] = phases(tables[MEASURES])
    key_frequencies = [
        {"arm": n.arm, "seed": n.seed} | {name: k.tolist() for name, k in final.items()}
        for n, final in with_final
    ]
    return Result(tables, *summarise(tables[MEASURES], key_frequencies, rule, p))


def _by_step(network: Network) -> list[dict[str, np.ndarray]]:
    """Return the weights of every checkpoint."""
    weights = network.weights()
    return [{name: w[t] for name, w in weights.items()} for t in range(len(network.steps))]


def _network_tables(
    network: Network, final: np.ndarray, measured: Sequence[CheckpointMeasures]
) -> dict[Table, pd.DataFrame]:
    """Return the tables of one network.

    Parameters
    ----------
    final : array
        Key frequencies of the final network.
    """
    import numpy as np

    from analyses.tables.key_frequency_rows import key_frequency_rows
    from analyses.tables.long_format import long_table

    def stacked(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    at = {"step": network.steps}
    operation = {"operation": np.array(network.setting.task.name)}
    heads = stacked([m.heads for m in measured])
    by_frequency = stacked([m.by_frequency for m in measured])
    by_rule: list[KeyFrequencies] = [m.key_frequencies for m in measured]
    return {
        MEASURES: long_table(network, at, operation | stacked([m.row for m in measured])),
        FREQUENCIES: long_table(network, at | {"frequency": final}, by_frequency),
        HEADS: long_table(network, at | {"head": range(heads["share"].shape[1])}, heads),
        KEY_FREQUENCIES: key_frequency_rows(network, network.steps, by_rule),
    }


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--rule",
        choices=RULES,
        default=DEFAULT_RULE,
        help="rule for the final network's key frequencies, which the losses keep or leave out "
        f"(default: {DEFAULT_RULE})",
    )
    add_spreading_options(p)


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    with chosen_executor(args, run.path.parent) as workers:
        return measure(networks, args.rule, workers)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    add_arguments=_add_arguments,
    options={"rule": DEFAULT_RULE},
)
main = COMMAND.main
