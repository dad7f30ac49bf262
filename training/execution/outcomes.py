"""What came of a run: per arm and seed, when it memorised and generalised, and with which weights left."""

from __future__ import annotations

from typing import Any

from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.execution.arm_plan import known
from training.runs.run_directory import ArmDir, RunDir

LAST = ("train_loss", "test_loss", "train_acc", "test_acc")
"""What is told of the last evaluation."""


def outcomes(run: RunDir, recipe: Recipe) -> list[dict[str, Any]]:
    """One row per arm and seed of the recipe, in the recipe's order.

    `t_mem` and `t_gen` are the first evaluated steps that meet the recipe's criterion, None if the arm never
    got there (censored at `steps`); the interval columns say between which evaluations the crossing lies.
    """
    return [
        _outcome(run.arm(arm, seed), recipe.sparsity(arm), recipe.setting(arm).criterion)
        for arm in recipe.arms
        for seed in recipe.seeds
    ]


def _outcome(files: ArmDir, sparsity: float, criterion: Criterion) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": files.arm, "seed": files.seed, "status": "not trained"}
    row["sparsity"] = sparsity
    row |= dict.fromkeys(("steps", "t_mem", "t_gen", "tau", *LAST))
    row |= {"t_mem_interval": "-", "t_gen_interval": "-", "note": ""}
    done, skipped = files.done(), files.skipped()
    if done is None:
        if files.has_state():
            row |= {"status": "half trained"}
        elif skipped is not None:
            row |= {"status": "skipped", "note": skipped["reason"]}
        return row
    metrics = files.metrics()
    times = criterion.times(metrics)
    source = done["source"] or {}
    if source.get("generalised") is False:
        row["note"] = f"taken from {source['arm']}, which had not generalised"
    return row | {
        "status": "done",
        "steps": done["steps"],
        "t_mem": times.t_mem.at,
        "t_gen": times.t_gen.at,
        "tau": known(times.tau),
        "t_mem_interval": str(times.t_mem),
        "t_gen_interval": str(times.t_gen),
        **{name: known(float(metrics[name].iloc[-1])) for name in LAST},
    }
