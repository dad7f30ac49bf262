"""Command `analyses.lottery`: initial weights against each neuron's final frequency."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from analyses.lottery.schema import ANALYSIS, NEURONS
from analyses.running.command import Command
from analyses.running.command_line import number_above, print_result, publish, whole_number_from
from analyses.running.result import Result
from analyses.running.saving import Measured

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


def _add_options(p: argparse.ArgumentParser) -> None:
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


def _check(p: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuse what belongs to the other of a run and a simulation; drop a growth that is the default."""
    given = [name for name in SIMULATED if getattr(args, name) is not None]
    if args.simulate and (args.run or args.arms or args.steps):
        p.error("argument --simulate: expected without --run, --arms and --steps")
    if not args.simulate and given:
        p.error(f"argument --{given[0].replace('_', '-')}: expected together with --simulate")
    if not args.simulate and args.run is None:
        p.error("expected --run DIR or --simulate")
    if args.growth == (SIMULATED_GROWTH if args.simulate else GROWTH):
        args.growth = None


def _run_or_simulate(args: argparse.Namespace) -> int:
    return _simulate(args) if args.simulate else COMMAND.analyse(args)


def _simulate(args: argparse.Namespace) -> int:
    """Simulate, print, and save into a named folder."""
    from analyses.lottery.summary import blowup_quantiles, summarise
    from analyses.lottery.tables import simulated_tables
    from training.runs.run_directory import RunDir
    from training.schema.validation import ConfigError

    chosen = {
        name: default if getattr(args, name) is None else getattr(args, name)
        for name, default in SIMULATED.items()
    }
    if chosen["p"] % 2 == 0:
        raise ConfigError(f"--p: expected an odd number from 3, got {chosen['p']}")
    growth = args.growth or SIMULATED_GROWTH
    tables = simulated_tables(**chosen, growth=growth)
    summary, printed = summarise(tables, growth)
    quantiles, printed_quantiles = blowup_quantiles(tables[NEURONS])
    summary |= {"simulated": chosen, "blowup_time": quantiles}
    result = Result(tables, summary, [*printed, printed_quantiles])
    if args.out is not None:
        changed = {name: value if value != SIMULATED[name] else None for name, value in chosen.items()}
        measured = Measured(arguments=COMMAND.changed(argparse.Namespace(**vars(args) | changed)))
        return publish(ANALYSIS, args, result, RunDir(args.out), COMMAND.drawn, measured)
    print_result(args, result)
    print("no tables saved: --out names a folder for them", file=sys.stderr)
    return 0


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.growth or GROWTH),
    add_options=_add_options,
    check=_check,
    body=_run_or_simulate,
    without_run=("simulate", *SIMULATED),
)

main = COMMAND.main
