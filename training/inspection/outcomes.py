"""Outcome of every network: status, memorised when, generalised when."""

from __future__ import annotations

import math
from typing import Any

from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.runs.network_list import listed_networks
from training.runs.run_directory import ArmDir, RunDir

LAST_METRICS = ("train_loss", "test_loss", "train_acc", "test_acc")
"""Metrics of the last evaluation that an outcome holds."""


def outcomes(run: RunDir, recipe: Recipe) -> list[dict[str, Any]]:
    """Return one row per arm and seed, in the recipe's order.

    Further seeds that have a folder follow those of the recipe. `t_mem` and `t_gen` are the first evaluated
    steps that meet the recipe's criterion, None if the arm never met it (censored at `steps`). The interval
    columns name the two evaluations between which the crossing lies.
    """
    return [
        _outcome(files, recipe.sparsity(files.arm), recipe.setting(files.arm).criterion)
        for files in listed_networks(run, recipe.arms, recipe.seeds)
    ]


def generalisation(criterion: Criterion, files: ArmDir, step: int | None = None) -> dict[str, Any]:
    """Return whether an arm had generalised by a step.

    The table also holds the test metric at that step.

    Without a test set it has not, and the metric is None.
    """
    metrics = files.metrics(criterion.train, criterion.test, measured=criterion.train)
    if step is not None:
        metrics = metrics[metrics["step"] <= step]
    reached = not criterion.times(metrics).t_gen.censored
    return {"generalised": reached, criterion.test: number_or_none(float(metrics[criterion.test].iloc[-1]))}


def number_or_none(value: float) -> float | None:
    """Return None for NaN, which JSON lacks, and any other number as it is."""
    return None if math.isnan(value) else value


def _outcome(files: ArmDir, sparsity: float, criterion: Criterion) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": files.arm, "seed": files.seed, "status": "not trained"}
    row["sparsity"] = sparsity
    row |= dict.fromkeys(("steps", "t_mem", "t_gen", "tau", *LAST_METRICS))
    row |= {"t_mem_interval": "-", "t_gen_interval": "-", "note": ""}
    done, skipped = files.done(), files.skipped()
    if done is None:
        if files.has_state():
            row |= {"status": "half trained"}
        elif skipped is not None:
            row |= {"status": "skipped", "note": skipped["reason"]}
        return row
    metrics = files.metrics(*LAST_METRICS, measured=criterion.train)
    times = criterion.times(metrics)
    source = done["source"] or {}
    if source.get("generalised") is False:
        row["note"] = f"taken from {source['arm']}, which had not generalised"
    return row | {
        "status": "done",
        "steps": done["steps"],
        "t_mem": times.t_mem.at,
        "t_gen": times.t_gen.at,
        "tau": number_or_none(times.tau),
        "t_mem_interval": str(times.t_mem),
        "t_gen_interval": str(times.t_gen),
        **{name: number_or_none(float(metrics[name].iloc[-1])) for name in LAST_METRICS},
    }
