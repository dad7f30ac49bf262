"""What came of every network: a run's own outcomes, or what the curves of weights from elsewhere say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analyses.loading.trained_network import Network
from training.execution.outcomes import outcomes
from training.runs.atomic_files import RunError
from training.runs.run_directory import RunDir

Curves = dict[tuple[str, int], pd.DataFrame]
"""The metrics of each arm and seed that has any."""


def read_outcomes(
    run: RunDir, networks: Sequence[Network], arms_wanted: Sequence[str] | None
) -> tuple[list[dict[str, Any]], Curves]:
    """A row per arm and seed, those not trained among them, and the curves the rows come from.

    To what `training.execution.outcomes.outcomes` says, a row adds of both times the last step below (`t_mem_after`),
    and the bounds of tau.

    Raises
    ------
    RunError
        If no network has metrics.
    """
    curves = {(n.arm, n.seed): metrics for n in networks if (metrics := n.metrics()) is not None}
    if not curves:
        raise RunError(f"{run.path}: no arm has a metrics.parquet, and grokking times come from nothing else")
    recipe = networks[0].recipe
    if run.provenance() is not None:
        wanted = arms_wanted or recipe.arms
        rows = [row for row in outcomes(run, recipe) if row["arm"] in wanted]
    else:
        rows = [
            {"arm": arm, "seed": seed, "status": "done", "sparsity": recipe.sparsity(arm)}
            for arm, seed in curves
        ]
    for row in rows:
        metrics = curves.get((row["arm"], row["seed"]))
        if metrics is None:
            if row["status"] == "done":
                row["status"] = "half trained"  # as it was when the networks were opened
            continue
        times = recipe.setting(row["arm"]).criterion.times(metrics)
        last = metrics.iloc[-1]
        row |= {"steps": int(last["step"]), **{name: float(last[name]) for name in ("train_acc", "test_acc")}}
        for name, crossing in (("t_mem", times.t_mem), ("t_gen", times.t_gen)):
            row |= {name: crossing.at, f"{name}_after": crossing.lower, f"{name}_interval": str(crossing)}
        lower, upper = times.tau_bounds
        tau = None if math.isnan(times.tau) else times.tau
        row |= {"tau": tau, "tau_lower": lower, "tau_upper": upper}
    return rows, curves
