"""Outcome of every network: status, memorised when, generalised when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.runs.arm_directory import ArmDir
from training.runs.network_list import listed_networks
from training.runs.run_directory import RunDir

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"
"""Code or platform of a network of a version that recorded none."""
SHORT = 8
"""Characters of a code's digest that are shown."""
LAST_METRICS = ("train_loss", "test_loss", "train_acc", "test_acc")
"""Metrics of the last evaluation that an outcome holds."""


def outcomes(
    run: RunDir, recipe: Recipe, curves: Mapping[tuple[str, int], pd.DataFrame] | None = None
) -> list[dict[str, Any]]:
    """Return one row per arm and seed, in the recipe's order.

    Further seeds that have a folder follow those of the recipe. `t_mem` and `t_gen` are the first evaluated
    steps that meet the recipe's criterion, None if the arm never met it (censored at `steps`). The interval
    columns name the two evaluations between which the crossing lies.

    Parameters
    ----------
    curves : mapping, optional
        Metrics by arm and seed that were read already.
    """
    there = curves or {}
    return [
        _outcome(
            files,
            recipe.sparsity(files.arm),
            recipe.setting(files.arm).criterion,
            there.get((files.arm, files.seed)),
        )
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


def _outcome(
    files: ArmDir, sparsity: float, criterion: Criterion, metrics: pd.DataFrame | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": files.arm, "seed": files.seed, "status": "not trained"}
    row["sparsity"] = sparsity
    row |= dict.fromkeys(("steps", "t_mem", "t_gen", "tau", *LAST_METRICS))
    row |= {"t_mem_interval": "-", "t_gen_interval": "-", "note": "", "code": "-", "platform": "-"}
    done, skipped = files.done(), files.skipped()
    if done is None:
        if files.has_state():
            row |= {"status": "half trained"}
        elif skipped is not None:
            row |= {"status": "skipped", "note": skipped["reason"]}
        return row
    if metrics is None or not {*LAST_METRICS} <= {*metrics}:
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
        "code": code_text(done),
        "platform": platform_text(done),
    }


def code_text(record: Mapping[str, Any]) -> str:
    """Return the start of an arm's code digest, and of other code that trained its first steps."""
    codes = [*(entry.get("code") for entry in record.get("accepted", [])), record.get("code")]
    return "+".join(str(code or UNKNOWN)[:SHORT] for code in dict.fromkeys(codes))


def platform_text(record: Mapping[str, Any]) -> str:
    """Return an arm's platform in words, as "cpu AVX2 x86_64, torch 2.9.1, numpy 2.3.5, onednn"."""
    tables = [*(entry.get("platform") for entry in record.get("accepted", [])), record.get("platform")]
    texts = []
    for table in tables:
        fields = dict(table or {})
        device = " ".join(fields[name] for name in ("device", "cpu", "machine") if name in fields)
        versions = [f"{name} {fields[name]}" for name in ("torch", "numpy") if name in fields]
        texts.append(", ".join(filter(None, [device, *versions, fields.get("engine")])) or UNKNOWN)
    return " + ".join(dict.fromkeys(texts))


def mixture_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many codes and platforms have trained an arm or a table's arms, if more than one.

    Arms are compared with arms of one name: arms that differ in method differ in code too.

    Examples
    --------
    >>> rows = [{"arm": "dense", "code": code, "platform": "cpu"} for code in ("0a1b", "2c3d")]
    >>> mixture_text(rows)
    'Trained by 2 codes (dense).'
    """
    parts = []
    by_arm: dict[str, set[str]] = {}
    for row in rows:
        if row.get("code", "-") != "-":
            by_arm.setdefault(row["arm"], set()).add(row["code"])
    mixed = [arm for arm, codes in by_arm.items() if len(codes) > 1]
    if mixed:
        parts.append(f"{max(len(by_arm[arm]) for arm in mixed)} codes ({', '.join(mixed)})")
    platforms = {row["platform"] for row in rows if row.get("platform", "-") != "-"}
    if len(platforms) > 1:
        parts.append(f"{len(platforms)} platforms ({'; '.join(sorted(platforms))})")
    return f"Trained by {' and '.join(parts)}." if parts else ""
