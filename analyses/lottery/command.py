"""Which frequency each neuron ends with, and whether its start told: four rules beside chance."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from analyses.running.command_line import (
    Result,
    analyse,
    number_above,
    one_thread,
    parser,
    publish,
    whole_number_from,
)

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

SIMULATED: dict[str, Any] = {"p": 23, "neurons": 512, "seed": 0, "init_scale": 0.1}
"""Arguments of a simulation, and their defaults."""

GROWTH = {"run": 2.0, "simulate": 20.0}


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    from training.cli.parser import run_command

    about = (
        "Rules that tell a neuron's final frequency from its start, and how often each is right. "
        "With --simulate, of the decoupled gradient flow of random neurons, without any run."
    )
    p = parser("lottery", about, run_required=False)
    p.add_argument("--simulate", action="store_true", help="race random neurons; tables only with --out")
    p.add_argument("--p", type=whole_number_from(3), help="simulated: residues, odd (default: 23)")
    p.add_argument("--neurons", type=whole_number_from(1), metavar="M", help="simulated (default: 512)")
    p.add_argument("--seed", type=whole_number_from(0), metavar="S", help="simulated (default: 0)")
    p.add_argument(
        "--init-scale",
        type=number_above(0.0),
        metavar="s",
        help="simulated: weights are s N(0, 1) / sqrt(p) (default: 0.1)",
    )
    p.add_argument(
        "--growth",
        type=number_above(1.0),
        metavar="G",
        help="norm over first norm from which a neuron counts as grown (default: 2), "
        "or up to which it is simulated (default: 20)",
    )
    args = p.parse_args(argv)
    given = [name for name in SIMULATED if getattr(args, name) is not None]
    if args.simulate and (args.run or args.arms or args.steps):
        p.error("argument --simulate: expected without --run, --arms and --steps")
    if not args.simulate and given:
        p.error(f"argument --{given[0].replace('_', '-')}: expected together with --simulate")
    if not args.simulate and args.run is None:
        p.error("expected --run DIR or --simulate")
    growth = args.growth or GROWTH["simulate" if args.simulate else "run"]
    if args.simulate:
        one_thread()
        return run_command(lambda: _simulate(args, growth))
    return analyse("lottery", args, lambda _, networks: measure(networks, growth))


def measure(networks: list[Network], growth: float) -> Result:
    """What the first checkpoint says of the last."""
    from analyses.lottery.tables import tables_of_run

    note = "The blow-up time is exact for one-hot inputs, squared activations and small logits, else a guess."
    return _result(tables_of_run(networks, growth), growth, [note])


def _simulate(args: argparse.Namespace, growth: float) -> int:
    import json

    from analyses.lottery.tables import tables_of_flow
    from training.cli.parser import format_table
    from training.runs.run_directory import RunDir
    from training.schema.validation import ConfigError

    chosen = {
        name: default if getattr(args, name) is None else getattr(args, name)
        for name, default in SIMULATED.items()
    }
    if chosen["p"] % 2 == 0:
        raise ConfigError(f"--p: expected an odd number from 3, got {chosen['p']}")
    tables = tables_of_flow(**chosen, growth=growth)
    times = tables["_neurons"]["blowup_time"].quantile([0.0, 0.1, 0.5, 0.9, 1.0])
    notes = [
        "Earliest blow-up times of the neurons, for the mean loss (÷ learning rate: in updates):",
        format_table([{f"{q:.0%}": float(T) for q, T in times.items()}]),
    ]
    result = _result(tables, growth, notes)
    result.summary |= {"simulated": chosen, "blowup_time": {f"{q:g}": T for q, T in times.items()}}
    if args.out is not None:
        return publish("lottery", args, result, RunDir(args.out))
    print(json.dumps(result.summary, indent=2) if args.json else result.shown, flush=True)
    print("no tables: --out names a folder for them", file=sys.stderr)
    return 0


def _result(tables: dict[str, Any], growth: float, notes: list[str]) -> Result:
    from analyses.lottery.tables import pooled
    from analyses.tables.long_format import number
    from training.cli.parser import format_table

    rows, equal = pooled(tables[""]), pooled(tables["_equal"])
    least = next(row for row in equal if row["rule"] == "min_abs_misalignment")
    text = [
        f"Share of neurons whose final frequency the rule names (grown: norm ≥ {growth:g} × the first):",
        format_table([_row(row) for row in rows]),
        "Interval: Wilson, 95 %, of each network's grown neurons; over seeds, least to largest.",
        "Shuffled: the same predictions dealt out to the same neurons at random.",
        f"In the decoupled flow from equal magnitudes: least |D| right {number(least['share_grown'])}, "
        f"of {least['n_grown']}.",
        *notes,
    ]
    return Result(tables, {"growth": growth, "rules": rows, "equal_magnitudes": equal}, "\n".join(text))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    from analyses.tables.long_format import arm_words, number

    return {
        "arm": arm_words(row["arm"]),
        "rule": row["rule"],
        "grown": f"{row['n_grown']} of {row['n']}",
        "right": number(row["share_grown"]),
        "interval": f"{number(row['low'])}–{number(row['high'])}",
        "of all": number(row["share"]),
        "1/K": number(row["chance"]),
        "shuffled": number(row["shuffled_chance"]),
    }
