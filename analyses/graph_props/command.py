"""Command `analyses.graph_props`: graph structure of every mask, compared with random masks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.graph_props.schema import ANALYSIS, PROPERTIES, WEIGHTS
from analyses.running.command import Command
from analyses.running.command_line import Result, whole_number_from
from analyses.running.spreading import add_spreading_options, chosen_executor

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

FIGURES = ("graph_props", "graph_layers")
N_NULLS = 20
"""Default number of random masks per mask and kind."""


def _has_masks(path: Path) -> bool:
    """Return True if a network of the run has a mask."""
    from training.runs.run_directory import RunDir

    return any(arm.mask() is not None for arm in RunDir(path).arms())


def measure(networks: Sequence[Network], n_nulls: int, seed: int, workers: int | Executor) -> Result:
    """Return both tables; each distinct mask is measured once.

    Its numbers are saved under every arm, seed and checkpoint that has the mask.
    """
    from analyses.graph_props.summary import summarise
    from analyses.graph_props.tables import mask_tables

    properties, weights = mask_tables(networks, n_nulls, seed, workers)
    tables = {PROPERTIES: properties, WEIGHTS: weights}
    return Result(tables, *summarise(tables, n_nulls))


def _analyse_runs(command: Command, args: argparse.Namespace) -> int:
    """Analyse every run with masks in `--runs`."""
    from training.runs.run_directory import NoRunError
    from training.schema.validation import ConfigError

    if args.out is not None:
        raise ConfigError("--out: expected together with --run, got it alone; add --run DIR")
    runs = [path for path in sorted(Path(args.runs).glob("*")) if _has_masks(path)]
    if not runs:
        out = "" if args.runs == "runs" else f" --out {args.runs}"
        raise NoRunError(f"no run with masks in {args.runs}: 'python -m training modadd_fast{out}' makes one")
    code = 0
    for path in runs:
        if not args.json:
            print(path, flush=True)
        code = max(code, command.analyse(args, str(path)))
    return code


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--runs", default="runs", metavar="DIR", help="without --run: every run with masks in this folder"
    )
    p.add_argument(
        "--nulls",
        type=whole_number_from(0),
        default=N_NULLS,
        metavar="N",
        help=f"random masks per mask and kind, at least 2, by default {N_NULLS}; 0 for none",
    )
    p.add_argument("--seed", type=whole_number_from(0), default=0, help="seed of the random masks")
    add_spreading_options(p)


def _measure(run: RunDir, networks: Sequence[Network], args: argparse.Namespace) -> Result:
    with chosen_executor(args, run.path.parent) as workers:
        return measure(networks, args.nulls, args.seed, workers)


COMMAND = Command(
    analysis=ANALYSIS,
    measure=_measure,
    figures=FIGURES,
    add_arguments=_add_arguments,
    options={"nulls": N_NULLS, "seed": 0},
    refusal=lambda args: "argument --nulls: expected 0 or at least 2, got 1" if args.nulls == 1 else None,
    without_run=_analyse_runs,
)
main = COMMAND.main
