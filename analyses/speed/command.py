"""Command `analyses.speed`: how much earlier arms memorise and generalise."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyses.running.command import Command
from analyses.running.command_line import Result, whole_number_from
from analyses.speed.schema import (
    ANALYSIS,
    ARMS,
    CORRELATIONS,
    DOSES,
    FIXED_STEPS,
    PAIRS,
    QUANTITIES,
    RATIOS,
    SOURCES,
    SURVIVAL,
)

if TYPE_CHECKING:
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir

AT = (500, 1000, 2000)
"""Steps at which test accuracies are compared by default."""


def measure(
    run: RunDir,
    networks: list[Network],
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    against: str | None = None,
    at: Sequence[int] = AT,
) -> Result:
    """Return ratios of times and the arms they compare.

    Parameters
    ----------
    arms, seeds : sequence, optional
        Only these arms and seeds; all by default.
    against : str, optional
        Arm that all are compared with; by default each arm's dense network.
    at : sequence of int
        Steps at which test accuracies are compared.

    Raises
    ------
    ConfigError
        If `against` is no arm of the run.
    RunError
        If no trained network has a test set.
    """
    import pandas as pd

    from analyses.loading.outcomes import read_outcomes, rows_by_arm
    from analyses.speed.accuracy_at_steps import accuracies_at_steps, mask_sources, rank_correlations
    from analyses.speed.comparisons import (
        arm_row,
        compare,
        comparisons,
        survival_rows,
        tau_by_sparsity,
    )
    from analyses.speed.summary import printed_tables
    from training.runs.atomic_files import RunError
    from training.schema.validation import ConfigError, names

    rows, curves = read_outcomes(run, networks, arms, seeds)
    recipe, by_arm = networks[0].recipe, rows_by_arm(rows)
    compared_arms = list(by_arm)
    if against is not None and against not in compared_arms:
        raise ConfigError(f"--against: expected one of {names(compared_arms)}, got {against}")
    compared = [
        compare([*by_arm[pair["numerator"]], *by_arm[pair["denominator"]]], pair, quantity)
        for pair in comparisons(recipe, compared_arms, against)
        for quantity in QUANTITIES
    ]
    arm_rows = [arm_row(recipe, by_arm[arm], arm) for arm in compared_arms]
    accuracies, sources = accuracies_at_steps(curves, at), mask_sources(networks, curves)
    correlations = rank_correlations(sources, accuracies)
    tables = {
        RATIOS: pd.DataFrame([row for row, _ in compared]),
        ARMS: pd.DataFrame(arm_rows),
        CORRELATIONS: pd.DataFrame(
            correlations, columns=[column.name for column in CORRELATIONS.columns if not column.role_of]
        ).astype({"spearman": float}),
        DOSES: pd.DataFrame(tau_by_sparsity(recipe, rows)),
        FIXED_STEPS: accuracies,
        PAIRS: pd.DataFrame([row for _, ratio_rows in compared for row in ratio_rows]),
        SOURCES: sources,
        SURVIVAL: pd.DataFrame([row for arm in compared_arms for row in survival_rows(by_arm[arm], arm)]),
    }
    if tables[SURVIVAL].empty:
        raise RunError(
            f"{run.path}: expected a trained network with a test set, got none; "
            "how early networks generalise is seen on examples that are held back (task.frac_train below 1)"
        )
    comparison_rows = tables[RATIOS].to_dict("records")
    summary = {"arms": arm_rows, "comparisons": comparison_rows, "correlations": correlations}
    return Result(tables, summary, printed_tables(tables))


def _add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--against",
        metavar="ARM",
        help="compare all arms with this one; by default each with the dense network of its lineage or task",
    )
    p.add_argument(
        "--at",
        nargs="+",
        type=whole_number_from(0),
        default=list(AT),
        metavar="STEP",
        help="steps at which test accuracies are compared",
    )


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.arms, args.seeds, args.against, args.at),
    steps=False,
    add_arguments=_add_arguments,
    options={"against": None, "at": list(AT)},
)
main = COMMAND.main
