"""Command `analyses.snapshots`: weights and masks, saved for pictures and animations."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.running.command import Command
from analyses.running.command_line import Result, whole_number_from
from analyses.snapshots.schema import ANALYSIS, MOMENTS
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

FIGURES = ("neurons", "maps", "matrices", "cosines", "weight_stages", "film")


def measure(networks: Sequence[Network], seed: int | None = None, checkpoints: int | None = None) -> Result:
    """Return all tables of one seed's networks, and a summary.

    Tables that the explorer reads are of all seeds unless one is given.

    Parameters
    ----------
    checkpoints : int, optional
        Largest number of checkpoints beside the landmarks; by default `MOST_STEPS`, and as many as a page can
        hold of what the explorer reads.
    """
    from analyses.snapshots.explored_networks import explored_tables
    from analyses.snapshots.tables import MOST_STEPS, network_tables
    from analyses.tables.long_format import gather, records
    from analyses.tables.roles import compared_arms

    most_steps = checkpoints or MOST_STEPS
    parts = [network_tables(network, most_steps) for network in networks_of_seed(networks, seed)]
    tables = {table: gather([part[table] for part in parts]) for table in parts[0]}
    tables |= explored_tables([n for n in networks if seed is None or n.seed == seed], checkpoints)
    moments = tables[MOMENTS]
    rows = records(moments.drop(columns="arm_role"))
    return Result(tables, {"moments": rows}, [_printed_landmarks(rows, compared_arms(moments))])


def networks_of_seed(networks: Sequence[Network], seed: int | None) -> list[Network]:
    """Return the networks of one seed.

    Without a seed, it is the first of the recipe's that has a finished network.

    Raises
    ------
    ConfigError
        If no network has the seed.
    """
    from training.schema.validation import ConfigError, names

    seeds = {network.seed for network in networks}
    if seed is None:
        seed = next((s for s in networks[0].recipe.seeds if s in seeds), min(seeds))
    elif seed not in seeds:
        raise ConfigError(f"--seed: expected one of {names(map(str, sorted(seeds)))}, got {seed}")
    chosen = [network for network in networks if network.seed == seed]
    for arm in dict.fromkeys(network.arm for network in networks):
        if arm not in {network.arm for network in chosen}:
            print(f"{arm}: left out: no finished network of seed {seed}", file=sys.stderr)
    return chosen


def _printed_landmarks(rows: Sequence[Mapping[str, Any]], arms: Sequence[str]) -> PrintedTable:
    """Return the printed table of all landmarks, concluding on some arms."""
    from analyses.tables.labels import arm_label
    from analyses.tables.number_text import number

    fits = []
    for arm in arms:
        first, *_, last = (row["input_fit"] for row in rows if row["arm"] == arm)
        fits.append(f"{arm_label(arm)} {number(first)} → {number(last)}")
    return PrintedTable(
        f"Landmark checkpoints of seed {rows[0]['seed']}: accuracy, and share of a neuron's weights that one "
        "cosine explains (fit).",
        [
            {
                "arm": arm_label(row["arm"]),
                "checkpoint": row["moment"],
                "step": f"{row['step']:,}",
                "train accuracy": number(row["train_acc"]),
                "test accuracy": number(row["test_acc"]),
                "input fit": number(row["input_fit"]),
                "output fit": number(row["output_fit"]),
            }
            for row in rows
        ],
        f"Input fit from start to end: {'; '.join(fits)}.\n"
        "Fit: mean over live neurons; at 1 every neuron's weights are one cosine over the residues. Between: "
        "the geometric mean of the steps at memorised and generalised.",
    )


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--seed", type=whole_number_from(0), metavar="S", help="seed to save; the recipe's first by default"
    )
    p.add_argument(
        "--checkpoints",
        type=whole_number_from(2),
        metavar="N",
        help="checkpoints to save, beside the landmarks; 40 by default",
    )


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(networks, args.seed, args.checkpoints),
    figures=FIGURES,
    add_arguments=_add_arguments,
    options={"seed": None, "checkpoints": None},
)
main = COMMAND.main
