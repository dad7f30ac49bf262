"""Command `analyses.patching`: activations of one pair in the run of another."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.patching.schema import ANALYSIS
from analyses.running.command import Command
from analyses.running.command_line import Result

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

N_PAIRS = 256
"""Default of `--pairs`."""
PAIR_SEED = 0
"""Default of `--pair-seed`."""
FIGURES = ("patching", "attribution")


def measure(networks: Sequence[Network], n_pairs: int, pair_seed: int) -> Result:
    """Return all tables of the networks, with their summary.

    Raises
    ------
    ConfigError
        If there are fewer than two pairs, or the seed is negative.
    """
    from analyses.patching.summary import summarise
    from analyses.patching.tables import network_tables
    from analyses.tables.long_format import gather
    from training.schema.validation import require

    require(n_pairs >= 2, "--pairs", "at least 2, which an interval needs", n_pairs)
    require(pair_seed >= 0, "--pair-seed", "a whole number from 0", pair_seed)
    parts = [network_tables(network, n_pairs, pair_seed) for network in networks]
    tables = {table: gather([part[table] for part in parts]) for table in ANALYSIS}
    return Result(tables, *summarise(tables, n_pairs, pair_seed))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--pairs",
        type=int,
        default=N_PAIRS,
        metavar="N",
        help="number of clean and corrupted examples that are drawn from the judged pairs, at least 2 "
        f"(default: {N_PAIRS})",
    )
    p.add_argument(
        "--pair-seed",
        type=int,
        default=PAIR_SEED,
        metavar="SEED",
        help=f"seed with which they are drawn, for all networks (default: {PAIR_SEED})",
    )


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    return measure(networks, args.pairs, args.pair_seed)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    figures=FIGURES,
    add_arguments=_add_arguments,
    options={"pairs": N_PAIRS, "pair_seed": PAIR_SEED},
)
main = COMMAND.main
