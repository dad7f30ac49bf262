"""How much sooner each arm memorises and generalises than the network it stems from, and than the ticket."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analyses.running.command_line import Result, analyse, parser, whole_number_from

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network
    from training.runs.run_directory import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Ratios of t_gen, t_mem and tau between arms, paired by seed, with intervals and log-rank tests."
    p = parser("speed", about, steps=False)
    p.add_argument(
        "--against",
        metavar="ARM",
        help="the arm that all are measured against; by default the first of each arm's lineage, or dense",
    )
    p.add_argument(
        "--at",
        nargs="+",
        type=whole_number_from(0),
        default=[500, 1000, 2000],
        metavar="STEP",
        help="steps at which test accuracies are compared",
    )
    args = p.parse_args(argv)
    return analyse("speed", args, lambda run, networks: measure(run, networks, args))


def measure(run: RunDir, networks: list[Network], args: argparse.Namespace) -> Result:
    """Comparisons over seeds and by seed, the arms they compare, and what their figure is drawn from."""
    import pandas as pd

    from analyses.loading.outcomes import read_outcomes
    from analyses.speed.accuracy_at_steps import fixed_steps, rank_correlations, taken_from
    from analyses.speed.comparisons import QUANTITIES, arm_row, compare, comparisons, doses, survival_rows
    from analyses.speed.summary import show
    from training.runs.atomic_files import RunError
    from training.schema.validation import ConfigError, names

    rows, curves = read_outcomes(run, networks, args.arms)
    recipe, arms = networks[0].recipe, list(dict.fromkeys(row["arm"] for row in rows))
    if args.against is not None and args.against not in arms:
        raise ConfigError(f"--against: expected one of {names(arms)}, got {args.against}")
    compared = [
        compare(rows, pair, quantity)
        for pair in comparisons(recipe, arms, args.against)
        for quantity in QUANTITIES
    ]
    of_arms = [arm_row(recipe, rows, arm) for arm in arms]
    accuracies, sources = fixed_steps(curves, args.at), taken_from(networks, curves)
    correlations = rank_correlations(sources, accuracies)
    tables = {
        "": pd.DataFrame([row for row, _ in compared]),
        "_pairs": pd.DataFrame([row for _, pairs in compared for row in pairs]),
        "_arms": pd.DataFrame(of_arms),
        "_doses": pd.DataFrame(doses(recipe, rows)),
        "_survival": pd.DataFrame([row for arm in arms for row in survival_rows(rows, arm)]),
        "_fixed_steps": accuracies,
        "_sources": sources,
        "_correlations": pd.DataFrame(correlations, columns=["source", "step", "seed", "n", "spearman"]),
    }
    if tables["_survival"].empty:
        raise RunError(
            f"{run.path}: expected networks that were trained and have a test set, and none is one"
        )
    summary = {"arms": of_arms, "comparisons": tables[""].to_dict("records"), "correlations": correlations}
    return Result(tables, summary, show(tables, correlations))
