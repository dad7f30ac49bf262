"""How far a network's circuit has come at every checkpoint, before its test loss shows it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.running.command_line import Result, analyse, parser, whole_number_from
from training.cli.machine import available_cores

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.loading.trained_network import Network
    from analyses.progress.checkpoint_measures import Keys, Measured

RULES = ("embedding_norm", "logit_map", "neuron_cluster")


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Restricted and excluded loss, key frequencies, and other signs of progress at every checkpoint."
    p = parser("progress", about)
    p.add_argument(
        "--rule",
        choices=RULES,
        default="neuron_cluster",  # the only one that finds none in a network that has none
        help="whose key frequencies of the final network the losses keep and leave out",
    )
    p.add_argument(
        "--jobs", type=whole_number_from(1), metavar="N", help="worker processes; one per core by default"
    )
    args = p.parse_args(argv)
    jobs = args.jobs or available_cores()
    return analyse("progress", args, lambda _, networks: measure(networks, args.rule, jobs))


def measure(networks: Sequence[Network], rule: str, jobs: int) -> Result:
    """All tables of the networks, and what came of them."""
    from dataclasses import replace

    from analyses.progress.checkpoint_measures import Checkpoint, measure_checkpoint
    from analyses.progress.summary import phases, summarise
    from analyses.running.process_pool import spread
    from analyses.tables.long_format import gather

    p = max(network.p for network in networks)
    _say_what_is_left_out(networks)
    ends = [replace(n, only_steps=(int(n.files.steps()[-1]),)) for n in networks]
    tasks = [Checkpoint(n.setting, weights, rule, None) for n in ends for weights in _each(n)]
    finals = [found.keys for found in spread(measure_checkpoint, tasks, jobs, "networks")]
    both = list(zip(networks, finals, strict=True))
    tasks = [Checkpoint(n.setting, weights, rule, final) for n, final in both for weights in _each(n)]
    measured = spread(measure_checkpoint, tasks, jobs, "checkpoints")
    parts = [_tables(n, final, list(itertools.islice(measured, len(n.steps))), rule) for n, final in both]
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    tables["_phases"] = phases(tables[""])
    chosen = [
        {"arm": n.arm, "seed": n.seed} | {name: k.tolist() for name, k in final.items()} for n, final in both
    ]
    return Result(tables, *summarise(tables[""], chosen, rule, p // 2))


def _each(network: Network) -> list[dict[str, np.ndarray]]:
    """Weights of every checkpoint."""
    weights = network.weights()
    return [{name: w[t] for name, w in weights.items()} for t in range(len(network.steps))]


def _say_what_is_left_out(networks: Sequence[Network]) -> None:
    """Once per task."""
    from analyses.progress.checkpoint_measures import sum_signs

    left_out = {n.setting.task.name for n in networks if sum_signs(n.setting) is None}
    for task in sorted(left_out):
        print(
            f"{task}: its labels are no sum or difference of the two inputs over all ordered pairs; sum2, "
            "neuron_sum2, excluded loss and distance irrelevance are left out",
            file=sys.stderr,
        )


def _tables(
    network: Network, final: Keys, measured: Sequence[Measured], rule: str
) -> dict[str, pd.DataFrame]:
    """The tables of one network."""
    import numpy as np

    from analyses.tables.key_frequencies import key_table
    from analyses.tables.long_format import long_table

    def stacked(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    at = {"step": network.steps}
    heads = stacked([found.heads for found in measured])
    return {
        "": long_table(network, at, stacked([found.row for found in measured])),
        "_frequencies": long_table(
            network, at | {"frequency": final[rule]}, stacked([found.by_frequency for found in measured])
        ),
        "_heads": long_table(network, at | {"head": range(heads["share"].shape[1])}, heads),
        "_key_frequencies": key_table(network, network.steps, [found.keys for found in measured]),
    }
