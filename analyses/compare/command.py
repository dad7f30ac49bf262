"""Command `analyses.compare`: arms of several runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.compare.schema import ANALYSIS, COMPARE, NETWORKS
from analyses.running.command_line import Result, parser, publish, use_one_thread
from training.cli.parser import run_command

if TYPE_CHECKING:
    from analyses.compare.chosen_runs import ChosenRun


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    args = parser(ANALYSIS, steps=False).parse_args(argv)
    use_one_thread()
    return run_command(lambda: _compare(args), args.plugins)


def _compare(args: argparse.Namespace) -> int:
    from analyses.compare.chosen_runs import choose_runs, inputs_of
    from analyses.tables.origin import output_folder
    from training.config.arm_differences import differing_fields_of_runs
    from training.runs.run_directory import RunDir

    chosen = {name: value for name in ("arms", "seeds") if (value := getattr(args, name)) is not None}
    folder = RunDir(Path(args.runs[0]).resolve().parent / "compare")
    target = output_folder(folder, args.out, ANALYSIS, chosen)
    runs = choose_runs(args.runs, args.arms, args.seeds)
    inputs = inputs_of(runs)
    return publish(
        ANALYSIS,
        args,
        measure(runs),
        target,
        settings=differing_fields_of_runs({run.name: (run.recipe, run.arms) for run in runs}),
        inputs=inputs,
        arguments={"runs": args.runs, **chosen},
    )


def measure(runs: Sequence[ChosenRun]) -> Result:
    """Return the median times of every run's arms."""
    import pandas as pd

    from analyses.compare.summary import printed_arms
    from analyses.loading.chosen_networks import printed_left_out
    from analyses.loading.mixed_origins import trained_by
    from analyses.loading.outcomes import read_outcomes, rows_by_arm
    from analyses.sweep.medians import median_row
    from analyses.tables.long_format import records

    arm_rows, network_rows = [], []
    for run in runs:
        rows, _ = read_outcomes(run.files, run.networks, run.arms, run.seeds)
        for arm, of_arm in rows_by_arm(rows).items():
            place = {"run": run.name, "arm_role": run.recipe.role(arm)}
            arm_rows.append(place | median_row(run.recipe, of_arm, arm))
            network_rows += [place | row for row in of_arm]
    arms = pd.DataFrame(arm_rows).reindex(columns=[column.name for column in COMPARE.columns])
    networks = pd.DataFrame(network_rows).reindex(columns=[column.name for column in NETWORKS.columns])
    tables = {COMPARE: arms, NETWORKS: networks}
    left_out = [entry for run in runs for entry in run.left_out]
    n_networks = sum(len(run.networks) for run in runs)
    mixture, printed = trained_by([network for run in runs for network in run.networks])
    summary = {
        "arms": records(arms),
        "n_networks": n_networks,
        "left_out": [{"run": run.name, **entry.record} for run in runs for entry in run.left_out],
        "trained_by": mixture,
    }
    printed += printed_left_out(left_out, n_networks)
    return Result(tables, summary, [*printed_arms(tables, runs), *printed])
