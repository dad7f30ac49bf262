"""Outcome of every network: when it memorised and generalised."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from interp.dynamics.threshold_crossings import GrokkingTimes
from interp.statistics.censored_times import Bounded
from training.inspection.outcomes import outcomes
from training.inspection.trained_network import Network
from training.runs.run_directory import RunDir

Curves = dict[tuple[str, int], pd.DataFrame]
"""Metrics of each arm and seed that has any."""
Outcome = Mapping[str, Any]
"""Row of `read_outcomes`, or of a table with its columns."""
Row = TypeVar("Row", bound=Outcome)


def read_outcomes(
    run: RunDir,
    networks: Sequence[Network],
    arms: Sequence[str] | None,
    seeds: Sequence[int] | None = None,
) -> tuple[list[dict[str, Any]], Curves]:
    """Return a row per network, and the curves behind it.

    The rows are those of `training.inspection.outcomes.outcomes`, untrained networks included. Added are the
    last step below the threshold (`t_mem_after`, `t_gen_after`) and the bounds of tau. For weights from
    elsewhere there is a row per network that has metrics, computed from these alone.

    Parameters
    ----------
    networks : sequence of Network
        One of them has metrics.
    arms : sequence of str, optional
        Only these arms; all by default.
    seeds : sequence of int, optional
        Only these seeds; all by default.
    """
    curves = {(n.arm, n.seed): metrics for n in networks if (metrics := n.metrics) is not None}
    assert curves, "the gate leaves out networks without curves"
    recipe = networks[0].recipe
    if run.provenance() is not None:
        rows = [
            row
            for row in outcomes(run, recipe, curves)
            if (arms is None or row["arm"] in arms) and (seeds is None or row["seed"] in seeds)
        ]
    else:
        rows = [
            {"arm": arm, "seed": seed, "status": "done", "sparsity": recipe.sparsity(arm)}
            for arm, seed in curves
        ]
    for row in rows:
        metrics = curves.get((row["arm"], row["seed"]))
        if metrics is not None:
            row |= _crossing_columns(metrics, recipe.setting(row["arm"]).criterion.times(metrics))
        elif row["status"] == "done":
            row["status"] = "half trained"  # as it was when the networks were opened
    return rows, curves


def _crossing_columns(metrics: pd.DataFrame, times: GrokkingTimes) -> dict[str, Any]:
    """Return the columns that come from a network's curves."""
    last = metrics.iloc[-1]
    columns: dict[str, Any] = {"steps": int(last["step"])}
    columns |= {name: float(last[name]) for name in ("train_acc", "test_acc")}
    for name, crossing in (("t_mem", times.t_mem), ("t_gen", times.t_gen)):
        columns |= {name: crossing.at, f"{name}_after": crossing.lower, f"{name}_interval": str(crossing)}
    lower, upper = times.tau_bounds
    tau = None if math.isnan(times.tau) else times.tau
    return columns | {"tau": tau, "tau_lower": lower, "tau_upper": upper}


def has_test_set(row: Outcome) -> bool:
    """Return True if a finished network has a test set."""
    return row["t_gen"] is not None or row["t_gen_after"] > 0 or row["steps"] == 0


def rows_by_arm(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return rows by their arm, so that none of the functions below reads all of them for each arm."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["arm"], []).append(row)
    return grouped


def finished(rows: Sequence[Outcome], arm: str) -> list[Outcome]:
    """Return the rows of an arm's finished networks."""
    return [row for row in rows if row["arm"] == arm and row["status"] == "done"]


def times_by_seed(rows: Sequence[Outcome], arm: str, quantity: str) -> dict[int, Bounded]:
    """Return a time, or its bound, of an arm's finished networks by seed.

    No finished network is left out, but those without a test set where the time needs one. A censored time is
    a lower bound. Of tau = t_gen / t_mem a network that never memorised leaves an upper bound if it
    generalised; if it did neither, or memorised at step 0, nothing is known: the lower bound is 0.

    Parameters
    ----------
    quantity : {"t_gen", "t_mem", "tau"}
        The time; tau is the ratio t_gen / t_mem.
    """
    return {
        row["seed"]: _time(row, quantity)
        for row in finished(rows, arm)
        if quantity == "t_mem" or has_test_set(row)
    }


def _time(row: Outcome, quantity: str) -> Bounded:
    if row[quantity] is not None:
        return Bounded(float(row[quantity]))
    if quantity == "tau" and row["t_gen"] is not None and math.isfinite(row["tau_upper"]):
        return Bounded(float(row["tau_upper"]), "<")
    return Bounded(float(row["tau_lower" if quantity == "tau" else f"{quantity}_after"]), ">")
