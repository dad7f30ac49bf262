"""Median times of one arm, and their text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analyses.loading.outcomes import Outcome, finished
from analyses.speed.comparisons import arm_row
from analyses.speed.schema import T_GEN
from analyses.sweep.schema import CELLS
from training.config.recipe import Recipe


def median_row(recipe: Recipe, rows: Sequence[Outcome], arm: str) -> dict[str, Any]:
    """Return an arm's median times, and the share of its networks that generalised."""
    medians, reached = arm_row(recipe, rows, arm), [row[T_GEN] for row in finished(rows, arm)]
    row = {name: medians[name] for name in CELLS.measured_columns if name in medians}
    share = sum(t is not None for t in reached) / len(reached) if reached else math.nan
    return row | {"generalised": share}


def time_text(row: Mapping[str, Any], time: str = "t_gen") -> str:
    """Return a median time or bound as text; why there is none otherwise."""
    if not row["n"]:
        return "skipped" if row.get("n_skipped") else "not trained"
    return bounded_text(row[f"{time}_median"], row[f"{time}_median_bound"], "{:,.0f}".format)


def generalised_text(row: Mapping[str, Any]) -> str:
    """Return how many of an arm's networks generalised.

    Examples
    --------
    >>> generalised_text({"n": 3, "generalised": 2 / 3}), generalised_text({"n": 0, "generalised": None})
    ('2 of 3', '-')
    """
    return f"{round(row['generalised'] * row['n'])} of {row['n']}" if row["n"] else "-"


def bounded_text(value: float, bound: Any, text: Callable[[float], str]) -> str:
    """Return a number with its bound; '-' for none.

    Examples
    --------
    >>> bounded_text(20.0, ">", str), bounded_text(20.0, "=", str), bounded_text(float("nan"), None, str)
    ('> 20.0', '20.0', '-')
    """
    return "-" if math.isnan(value) else text(value) if bound == "=" else f"{bound} {text(value)}"
