"""Which arms are compared with which, and the ratios of their times, seed by seed and over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from interp.statistics.censored_times import (
    Bounded,
    CensoredTimes,
    LogRank,
    log_rank,
    median_time,
    survival_curve,
)
from interp.statistics.time_ratios import mean_ratio, paired_ratios
from training.config.recipe import Recipe

Row = dict[str, Any]
"""What came of one arm and seed, as `read_outcomes` says it."""

QUANTITIES = ("t_gen", "t_mem", "tau")


def reference_of(recipe: Recipe, arm: str) -> str | None:
    """The arm that an arm is measured against: the first of its lineage; `dense` for one without a source.

    None for `dense` itself, and where there is no `dense` or it learns another task.
    """
    root = recipe.lineage(arm)[0]
    if root == arm and "dense" in recipe.arms and recipe.setting("dense").task == recipe.setting(arm).task:
        root = "dense"
    return None if root == arm else root


def ticket_of(recipe: Recipe, arm: str) -> str | None:
    """The first magnitude ticket with the arm's reference; None for an arm that is itself such a ticket."""
    tickets = [t for t, own in recipe.arms.items() if own.method == "magnitude" and own.start == "rewind"]
    family = reference_of(recipe, arm) or arm
    return next((t for t in tickets if reference_of(recipe, t) == family and arm not in tickets), None)


def comparisons(recipe: Recipe, arms: Sequence[str], against: str | None) -> Iterator[Row]:
    """Every pair that is compared, once: how much sooner than its reference, and later than the ticket.

    The ratio is always `numerator` over `denominator`; `arm` is the one of the two that is not in the role.
    """
    seen: set[tuple[str, str]] = set()
    for role in ("reference", "ticket"):
        for arm in arms:
            other = (against or reference_of(recipe, arm)) if role == "reference" else ticket_of(recipe, arm)
            if other is None or other not in arms or other == arm:
                continue
            pair = (other, arm) if role == "reference" else (arm, other)
            if pair not in seen:
                seen.add(pair)
                yield {"role": role, "arm": arm, "numerator": pair[0], "denominator": pair[1]}


def compare(rows: Sequence[Row], pair: Row, quantity: str) -> tuple[Row, list[Row]]:
    """One quantity of two arms: a row over seeds, and a row per seed whose ratio is known or bounded.

    The mean and its interval, `low` and `high`; the `least` and `largest` of the seeds if none is a bound;
    the log-rank test, with z above 0 where the denominator is the sooner of the two.
    """
    above, below = (known_times(rows, pair[name], quantity) for name in ("numerator", "denominator"))
    at = pair | {"quantity": quantity}
    seeds = [s for s in above if s in below and above[s][0] > 0 and below[s][0] > 0]  # 0 has no ratio
    ratios = paired_ratios(_times(above[s] for s in seeds), _times(below[s] for s in seeds))
    pairs = [
        at | {"seed": seed, **_columns("ratio", ratio)}
        for seed, ratio in zip(seeds, ratios, strict=True)
        if ratio is not None
    ]
    found = mean_ratio(ratios)
    low, high = found.interval or (math.nan, math.nan)
    exact = [pair["ratio"] for pair in pairs if pair["ratio_bound"] == "="]
    least, largest = (min(exact), max(exact)) if 0 < len(exact) == len(pairs) else (math.nan, math.nan)
    row = at | {"n": found.n, **_columns("ratio", found.mean)}
    row |= {"low": low, "high": high, "least": least, "largest": largest}
    for name, known in (("numerator", above), ("denominator", below)):
        row |= {f"n_{name}": len(known), f"n_{name}_censored": _times(known.values()).n_censored}
    test = LogRank(math.nan, math.nan, 0)
    if above and below:
        test = log_rank(_times(below.values()), _times(above.values()))
    return row | {f"log_rank_{name}": value for name, value in asdict(test).items()}, pairs


def arm_row(recipe: Recipe, rows: Sequence[Row], arm: str) -> Row:
    """One arm over its seeds: Kaplan–Meier medians, how many never got there, last accuracies."""
    done = [row for row in rows if row["arm"] == arm and row["status"] == "done"]
    own: Row = {"arm": arm, "method": recipe.arms[arm].method, "sparsity": recipe.sparsity(arm)}
    own |= {"n": len(done), "n_not_trained": sum(row["arm"] == arm for row in rows) - len(done)}
    for quantity in QUANTITIES:
        times = _times(known_times(rows, arm, quantity).values())
        own[f"{quantity}_censored"] = times.n_censored
        own |= _columns(f"{quantity}_median", median_time(times) if len(times.at) else None)
    for name in ("train_acc", "test_acc"):
        own[name] = float(np.mean([row[name] for row in done])) if done else math.nan
    return own


def survival_rows(rows: Sequence[Row], arm: str) -> list[Row]:
    """The share of an arm's networks that have not generalised, at each time at which that may change."""
    times = _times(known_times(rows, arm, "t_gen").values())
    if not len(times.at):
        return []
    steps, share = survival_curve(times)
    censored = [int((~times.observed & (times.at == step)).sum()) for step in steps]
    columns = zip([0.0, *steps.tolist()], [1.0, *share.tolist()], [0, *censored], strict=True)
    return [{"arm": arm, "step": t, "share": s, "n_censored": c} for t, s, c in columns]


def doses(recipe: Recipe, rows: Sequence[Row]) -> list[Row]:
    """Tau of every network of a series: arms pruned by one method to several sparsities, and their reference.

    A row per series, arm and seed, by rising sparsity.
    """
    series: dict[tuple[str, str | None], list[str]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        method = recipe.arms[arm].method
        if method != "none":
            series.setdefault((method, reference_of(recipe, arm)), []).append(arm)
    found = []
    for (method, reference), arms in series.items():
        if len({recipe.sparsity(arm) for arm in arms}) < 2:
            continue
        for arm in sorted([*filter(None, [reference]), *arms], key=recipe.sparsity):
            at = {"method": method, "reference": reference, "arm": arm, "sparsity": recipe.sparsity(arm)}
            found += [
                at | {"seed": seed, "tau": tau, "tau_bound": "=" if observed else ">"}
                for seed, (tau, observed) in known_times(rows, arm, "tau").items()
            ]
    return found


def known_times(rows: Sequence[Row], arm: str, quantity: str) -> dict[int, tuple[float, bool]]:
    """By seed: the quantity and True, or the lower bound that a censored time leaves and False."""
    known = {}
    for row in rows:
        if row["arm"] != arm or row["status"] != "done":
            continue
        bound = row["tau_lower" if quantity == "tau" else f"{quantity}_after"]
        if row[quantity] is not None:
            known[row["seed"]] = (float(row[quantity]), True)
        elif bound > 0 and (quantity != "tau" or row["t_gen"] is None):
            known[row["seed"]] = (float(bound), False)
    return known


def _columns(name: str, number: Bounded | None) -> Row:
    """A number that may be a bound as two columns of a table."""
    value, bound = (math.nan, None) if number is None else (number.value, number.bound)
    return {name: value, f"{name}_bound": bound}


def _times(known: Iterable[tuple[float, bool]]) -> CensoredTimes:
    at, observed = np.array(list(known)).reshape(-1, 2).T
    return CensoredTimes(at, observed.astype(bool))
