"""Graph structure of every mask, each number beside the same number of random masks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.running.command_line import Result, analyse_run, one_thread, parser, whole_number_from
from training.cli.machine import available_cores

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

FIGURES = ("graph_props", "graph_layers")


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    from training.cli.parser import run_command

    p = parser(
        "graph_props",
        "Graph and spectral properties of every mask beside their nulls. "
        "A dense arm is seen through the magnitude mask of each checkpoint.",
        run_required=False,
    )
    p.add_argument(
        "--runs", default="runs", metavar="DIR", help="without --run: every run with masks in here"
    )
    p.add_argument(
        "--nulls",
        type=whole_number_from(0),
        default=20,
        metavar="N",
        help="random masks per null and mask, at least 2; 0 for no null",
    )
    p.add_argument("--seed", type=whole_number_from(0), default=0, help="of the random masks")
    p.add_argument(
        "--jobs", type=whole_number_from(1), metavar="N", help="worker processes; one per core by default"
    )
    args = p.parse_args(argv)
    if args.nulls == 1:
        p.error("argument --nulls: expected 0 or at least 2, got 1")
    one_thread()
    return run_command(lambda: _all(args))


def _all(args: argparse.Namespace) -> int:
    from training.runs.run_directory import NoRunError
    from training.schema.validation import ConfigError

    jobs = args.jobs or available_cores()

    def analyse(path: str) -> int:
        return analyse_run(
            "graph_props", args, lambda _, found: measure(found, args.nulls, args.seed, jobs), path, FIGURES
        )

    if args.run is not None:
        return analyse(args.run)
    if args.out is not None:
        raise ConfigError("--out: expected together with --run, came without")
    code = 0
    runs = [path for path in sorted(Path(args.runs).glob("*")) if _has_masks(path)]
    if not runs:
        made = "" if args.runs == "runs" else f" --out {args.runs}"
        raise NoRunError(
            f"no run with masks in {args.runs}: 'python -m training modadd_fast{made}' makes one"
        )
    for path in runs:
        if not args.json:
            print(path, flush=True)
        code = max(code, analyse(str(path)))
    return code


def _has_masks(path: Path) -> bool:
    from training.runs.run_directory import RunDir

    return any(arm.mask() is not None for arm in RunDir(path).arms())


def measure(networks: list[Network], n_nulls: int, seed: int, jobs: int) -> Result:
    """Every distinct mask measured once; its numbers under every arm, seed and checkpoint that has it."""
    from analyses.graph_props.summary import summarise
    from analyses.graph_props.tables import tables

    table, weighted = tables(networks, n_nulls, seed, jobs)
    return Result({"": table, "_weights": weighted}, *summarise(table, n_nulls))
