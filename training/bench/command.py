"""Command `python -m training.bench`: the engine's speed.

The engine is compared with the network as research code writes it, and with its floor. The baseline is this
project's own `as_written` of each model, layer by layer under autograd, not the papers' code. One row per
recipe. All of a row is timed in one process on one thread, in turn, round by round (`timing`); every figure
is a median over rounds, with its spread.
- engine: training steps with the evaluation of the recipe's schedule among them
- as written: one forward and backward of `as_written`, torch's optimizer, and, as the papers' code does,
  losses and accuracies of both splits at every step
- floor: the matrix products of the engine's step, recorded from one, and the fused update, on buffers
  of the same sizes, and nothing else

The ratio of both is given three times, since the engine is faster and is evaluated less often:
- as used: as written / engine
- equal evaluations: both evaluated by the recipe's schedule; as written costs a step alone and its share of
  an evaluation
- no evaluation: the steps alone
All start from the same network, trained for a thousand steps, or for some seconds if it is slow: most of a
training is spent memorized.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.cli.parser import Parser, format_table, run_command

if TYPE_CHECKING:
    from training.config.recipe import Recipe

RECIPES = (
    "modadd_ticket",
    "m_parity",
    "m_polynomial",
    "m_images",
    "m_transformer",
    "n_mainline",
    "h_standard",
    "h_embedding",
)
"""Every model, in the sizes that the papers train."""
PRINTED = (
    "recipe",
    "as written",
    "engine",
    "as used",
    "equal evaluations",
    "no evaluation",
    "engine / floor",
)
"""Columns of the printed table; the JSON has all."""
ROUNDS, FULL_ROUNDS = 5, 9
SECONDS = {"short": 0.05, "full": 0.5}
"""Time of a contestant in a round."""


def parser() -> Parser:
    """Return the command line's parser."""
    p = Parser(
        prog="python -m training.bench",
        description="Milliseconds per step of the engine, of the network as written, and of the floor.",
    )
    p.add_argument(
        "--recipe",
        nargs="+",
        default=list(RECIPES),
        metavar="RECIPE",
        help="whose task, model, optimizer (the first arm's) and schedule to time",
    )
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--arms", type=int, default=1, help="arms stacked in the engine; figures are per arm")
    p.add_argument(
        "--rounds",
        type=int,
        help=f"rounds of which the median is taken (default: {ROUNDS}, {FULL_ROUNDS} with --full)",
    )
    p.add_argument(
        "--batches",
        type=int,
        nargs="+",
        metavar="N",
        help="also arm-steps per second at these numbers of arms (default on cuda: 1 8 64 256 1024)",
    )
    p.add_argument("--events", action="store_true", help="time steps with events instead, in turn with none")
    p.add_argument("--full", action="store_true", help="longer rounds, and growth with size as exponents")
    p.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="also write the sections on training of this Markdown file, as BENCHMARKS.md",
    )
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    return p


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, print."""
    args = parser().parse_args(argv)
    return run_command(lambda: _bench(args), args.plugins)


def _bench(args: argparse.Namespace) -> int:
    from training.bench.machine import machine
    from training.bench.report import read_sections, write_sections
    from training.config.recipe_files import read_recipe
    from training.execution.identity.device import prepare_process, resolve_device
    from training.schema.validation import require

    args.rounds = (FULL_ROUNDS if args.full else ROUNDS) if args.rounds is None else args.rounds
    for name in ("arms", "rounds"):
        require(getattr(args, name) >= 1, f"--{name}", "a whole number from 1", getattr(args, name))
    for n in args.batches or ():
        require(n >= 1, "--batches", "whole numbers from 1", n)
    recipes = [read_recipe(name)[0] for name in args.recipe]
    if args.write is not None:
        read_sections(args.write)  # refused before anything is measured
    prepare_process()
    args.device = resolve_device(args.device)
    about = machine(args.device)
    if args.events:
        return _event_bench(args, about, recipes)
    result = _measured(args, recipes)
    if args.write is not None:
        write_sections(args.write, _sections(args, about, result))
    if args.json:
        print(json.dumps(about | {"arms": args.arms} | result, indent=2))
    else:
        print(
            "Milliseconds per step, and how many times as fast the engine is as the same network written\n"
            "layer by layer in this project (not the papers' code): as used (as written evaluates at every\n"
            "step, the engine by the recipe's schedule), with equal evaluations, and without any."
        )
        print(format_table([{name: row[name] for name in PRINTED} for row in result["rows"]]))
    return 0


def _event_bench(args: argparse.Namespace, about: dict[str, Any], recipes: list[Recipe]) -> int:
    """Print the cost of a step with an event, as a ratio to one without."""
    from training.bench.event_cost import event_cost

    seconds = SECONDS["full" if args.full else "short"]
    rows = [row for recipe in recipes for row in event_cost(recipe, args.rounds, seconds, args.device)]
    if args.json:
        print(json.dumps(about | {"events": rows}, indent=2))
    else:
        print(
            "Milliseconds of a step with an event that acts after every update, and its ratio to a step\n"
            "without: the median over rounds, timed in turn."
        )
        print(format_table(rows))
    return 0


def _measured(args: argparse.Namespace, recipes: list[Recipe]) -> dict[str, Any]:
    """Return the rows of every section that was asked for, by name."""
    from training.bench.comparison import measure
    from training.bench.contestants import first_setting
    from training.bench.device_speed import ARMS, device_speed, free_bytes
    from training.bench.floor import copy_bandwidth
    from training.bench.growth import growth
    from training.bench.many_networks import growth_with_networks
    from training.bench.overhead import SHORT_ROUNDS, sweep_overhead

    on_gpu = args.device.startswith("cuda")
    seconds = SECONDS["full" if args.full else "short"]
    timing = (args.device, args.arms, args.rounds)
    result: dict[str, Any] = {"rows": [measure(recipe, *timing, seconds=seconds) for recipe in recipes]}
    if batches := args.batches or (ARMS if on_gpu else None):
        result["bandwidth"] = bandwidth = copy_bandwidth(args.device)
        free = free_bytes(args.device)
        rates = (
            device_speed(recipe, args.device, batches, bandwidth, args.rounds, seconds, free)
            for recipe in recipes
        )
        result["batches"] = [row for rows in rates for row in rows]
    if args.write is not None and not on_gpu:
        result["overhead"] = sweep_overhead(rounds=args.rounds if args.full else SHORT_ROUNDS)
    if args.full and not on_gpu:
        grown = (growth(recipe, first_setting(recipe), "cpu", args.rounds, seconds / 5) for recipe in recipes)
        result["growth"] = [row for rows in grown for row in rows] + growth_with_networks()
    return result


def _sections(args: argparse.Namespace, about: dict[str, Any], result: dict[str, Any]) -> dict[str, str]:
    """Return the measured sections in Markdown."""
    from training.bench import report

    steps = report.comparison_section(about, result["rows"], args.arms)
    if "batches" in result:
        batches = report.device_section(about, result["batches"], result["bandwidth"])
    if args.device.startswith("cuda"):
        return {"cuda": f"{batches}\n\n{steps}"}
    sections = {"training": steps}
    if "overhead" in result:
        sections["overhead"] = report.overhead_section(about, result["overhead"])
    if "growth" in result:
        sections["growth"] = report.growth_section(about, result["growth"])
    return sections
