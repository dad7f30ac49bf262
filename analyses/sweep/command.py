"""Command `analyses.sweep`: times to generalise over the fields of a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.sweep.schema import ANALYSIS, CELLS, SWEEP

if TYPE_CHECKING:
    from analyses.loading.outcomes import Outcome
    from training.config.recipe import Recipe
    from training.inspection.trained_network import Network
    from training.runs.run_directory import RunDir


def measure(
    run: RunDir,
    networks: list[Network],
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    x: str | None = None,
    y: str | None = None,
) -> Result:
    """Return the outcome of every network of a sweep, and medians of its arms.

    Parameters
    ----------
    arms, seeds : sequence, optional
        Only these arms and seeds; all by default.
    x, y : str, optional
        Fields along the axes of the map.

    Raises
    ------
    RunError
        If arms differ in no field.
    ConfigError
        If `x` or `y` is no field in which they differ.
    """
    import pandas as pd

    from analyses.loading.outcomes import read_outcomes, rows_by_arm
    from analyses.sweep.axes import choose_axes
    from analyses.sweep.summary import printed_cells
    from analyses.tables.long_format import records

    rows, _ = read_outcomes(run, networks, arms, seeds)
    recipe, by_arm = networks[0].recipe, rows_by_arm(rows)
    compared = list(by_arm)
    axes = choose_axes(recipe, compared, x, y)
    outcomes = pd.DataFrame(rows).reindex(columns=SWEEP.measured_columns)
    places = {"x": axes.x, "y": axes.y, "panels": ", ".join(axes.panels)}
    cells = pd.DataFrame(
        [cell_row(recipe, by_arm, arm) | places | {"family": axes.families[arm]} for arm in compared]
    )
    tables = {SWEEP: outcomes, CELLS: cells}
    return Result(tables, {"cells": records(cells)}, printed_cells(tables, axes))


def cell_row(recipe: Recipe, by_arm: Mapping[str, Sequence[Outcome]], arm: str) -> dict[str, Any]:
    """Return an arm's median times, counts, and ratio to its dense arm.

    Parameters
    ----------
    by_arm : mapping
        Outcomes by arm.
    """
    import math

    from analyses.loading.reference_arms import dense_reference
    from analyses.speed.comparisons import compare
    from analyses.sweep.medians import median_row

    row = median_row(recipe, by_arm[arm], arm)
    row["n_skipped"] = sum(other["status"] == "skipped" for other in by_arm[arm])
    dense = dense_reference(recipe, arm) if recipe.arms[arm].source is not None else None
    ratio: dict[str, Any] = {"ratio": math.nan, "ratio_bound": None}
    if dense is not None:
        pair = {"role": "reference", "arm": arm, "numerator": dense, "denominator": arm}
        compared, _ = compare([*by_arm[arm], *by_arm.get(dense, ())], pair, "t_gen")
        ratio = {name: compared[name] for name in ratio}
    return row | ratio


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Add the fields of the axes."""
    p.add_argument("--x", metavar="FIELD", help="field along the x axis, as optimizer.lr")
    p.add_argument("--y", metavar="FIELD", help="field along the y axis")


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks, args.arms, args.seeds, args.x, args.y),
    steps=False,
    add_arguments=add_arguments,
    options={"x": None, "y": None},
)
main = COMMAND.main
