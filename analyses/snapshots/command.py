"""What pictures of a network's weights need: its neurons' maps and spectra, its matrices and masks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from analyses.running.command_line import Result, analyse, parser, whole_number_from

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("neurons", "maps", "matrices", "cosines", "weight_stages", "film")


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Maps and spectra of the neurons, matrices and masks, saved for pictures and animations."
    p = parser("snapshots", about)
    p.add_argument(
        "--seed", type=whole_number_from(0), metavar="S", help="of this seed; the recipe's first by default"
    )
    args = p.parse_args(argv)
    return analyse("snapshots", args, lambda run, networks: measure(run, networks, args.seed), FIGURES)


def measure(run: RunDir, networks: list[Network], seed: int | None) -> Result:
    """All tables of the networks of one seed, and what became of them from moment to moment."""
    from analyses.snapshots.tables import network_tables
    from analyses.tables.long_format import arm_words, gather, number, records
    from training.cli.parser import format_table

    parts = [network_tables(network) for network in _of_one_seed(networks, seed)]
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    rows = records(tables[""])
    shown = [
        {"arm": arm_words(row["arm"]), "seed": row["seed"], "at": row["moment"], "step": f"{row['step']:,}"}
        | {name.replace("_", " "): number(row[name]) for name in list(row)[4:]}
        for row in rows
    ]
    text = [
        format_table(shown),
        "\nfit: share of a neuron's weights that one cosine explains, mean over live neurons.",
    ]
    return Result(tables, {"moments": rows}, "\n".join(text))


def _of_one_seed(networks: list[Network], seed: int | None) -> list[Network]:
    """The networks of the seed that was asked for, or else of the first of the recipe's that is there."""
    from training.schema.validation import ConfigError, names

    there = {network.seed for network in networks}
    if seed is None:
        seed = next((s for s in networks[0].recipe.seeds if s in there), min(there))
    elif seed not in there:
        raise ConfigError(f"--seed: expected one of {names(map(str, sorted(there)))}, got {seed}")
    chosen = [network for network in networks if network.seed == seed]
    for arm in dict.fromkeys(network.arm for network in networks):
        if arm not in {network.arm for network in chosen}:
            print(f"{arm}: left out: not there for seed {seed}", file=sys.stderr)
    return chosen
