"""Command `analyses.lottery`: initial weights against each neuron's final frequency."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from analyses.lottery.schema import ANALYSIS, NEURONS
from analyses.running.command import Command
from analyses.running.command_line import Result, number_above, print_result, publish, whole_number_from

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

SIMULATED: dict[str, Any] = {"p": 23, "neurons": 512, "seed": 0, "init_scale": 0.1}
"""Arguments of a simulation, and their defaults."""
GROWTH = 2.0
"""Growth from which a trained neuron counts as grown, by default."""
SIMULATED_GROWTH = 20.0
"""Growth up to which a neuron is simulated, by default."""


def measure(run: RunDir, networks: list[Network], growth: float = GROWTH) -> Result:
    """Return all networks' tables, with a summary per arm and rule."""
    from analyses.lottery.summary import summarise
    from analyses.lottery.tables import run_tables

    tables = run_tables(networks, growth)
    return Result(tables, *summarise(tables, growth))


def _simulate(command: Command, args: argparse.Namespace) -> int:
    """Simulate, print, and save into a named folder."""
    from analyses.lottery.summary import blowup_quantiles, summarise
    from analyses.lottery.tables import simulated_tables
    from training.runs.run_directory import RunDir
    from training.schema.validation import ConfigError

    chosen = {
        name: default if getattr(args, name) is None else getattr(args, name)
        for name, default in SIMULATED.items()
    }
    growth = SIMULATED_GROWTH if args.growth is None else args.growth
    if chosen["p"] % 2 == 0:
        raise ConfigError(f"--p: expected an odd number from 3, got {chosen['p']}")
    tables = simulated_tables(**chosen, growth=growth)
    summary, printed = summarise(tables, growth)
    quantiles, printed_quantiles = blowup_quantiles(tables[NEURONS])
    summary |= {"simulated": chosen, "blowup_time": quantiles}
    result = Result(tables, summary, [*printed, printed_quantiles])
    if args.out is not None:
        arguments = {name: value for name, value in chosen.items() if value != SIMULATED[name]}
        if growth != SIMULATED_GROWTH:
            arguments["growth"] = growth
        return publish(ANALYSIS, args, result, RunDir(args.out), arguments={"simulate": True, **arguments})
    print_result(args, result)
    print("no tables saved: --out names a folder for them", file=sys.stderr)
    return 0


def _refusal(args: argparse.Namespace) -> str | None:
    """Return why arguments do not go together."""
    given = [name for name in SIMULATED if getattr(args, name) is not None]
    if args.simulate and (args.run or args.arms or args.steps):
        return "argument --simulate: expected without --run, --arms and --steps"
    if not args.simulate and given:
        return f"argument --{given[0].replace('_', '-')}: expected together with --simulate"
    return None if args.simulate or args.run else "expected --run DIR or --simulate"


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--simulate",
        action="store_true",
        help="let random neurons follow the decoupled flow, without a run; saves tables only with --out",
    )
    p.add_argument(
        "--p", type=whole_number_from(3), help="with --simulate: number of residues, odd (default: 23)"
    )
    p.add_argument(
        "--neurons",
        type=whole_number_from(1),
        metavar="M",
        help="with --simulate: number of neurons (default: 512)",
    )
    p.add_argument(
        "--seed",
        type=whole_number_from(0),
        metavar="S",
        help="with --simulate: seed of the weights (default: 0)",
    )
    p.add_argument(
        "--init-scale",
        type=number_above(0.0),
        metavar="s",
        help="with --simulate: initial weights are s N(0, 1) / sqrt(p) (default: 0.1)",
    )
    p.add_argument(
        "--growth",
        type=number_above(1.0),
        metavar="G",
        help="last norm over first norm from which a neuron counts as grown (default: 2); "
        "with --simulate, up to which neurons are followed (default: 20)",
    )


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(
        run, networks, GROWTH if args.growth is None else args.growth
    ),
    add_arguments=_add_arguments,
    options={"growth": GROWTH},
    refusal=_refusal,
    without_run=_simulate,
)
main = COMMAND.main
