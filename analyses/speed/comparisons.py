"""Ratios of two arms' times; medians of each arm's times."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from analyses.loading.outcomes import Outcome, finished, rows_by_arm, times_by_seed
from analyses.loading.reference_arms import dense_reference, ticket_reference
from analyses.speed.schema import QUANTITIES, T_GEN, TAU
from interp.statistics.censored_times import (
    Bounded,
    CensoredTimes,
    median_of_bounds,
    median_time,
    survival_curve,
)
from interp.statistics.log_rank_statistics import LogRank, log_rank
from interp.statistics.time_ratios import mean_ratio, paired_ratios
from training.config.recipe import Recipe

Row = dict[str, Any]
"""Row of a table, by column."""


def comparisons(recipe: Recipe, arms: Sequence[str], against: str | None) -> Iterator[Row]:
    """Yield the pairs of arms to compare, each once.

    Every arm is the denominator of a ratio with its dense reference, and the numerator of one with its ticket
    reference. `role` names which of the two it is.

    Parameters
    ----------
    against : str, optional
        Numerator of all ratios of the role "reference", in place of each arm's dense reference.
    """
    pairs: set[tuple[str, str]] = set()
    for role in ("reference", "ticket"):
        for arm in arms:
            if role == "reference":
                other = against or dense_reference(recipe, arm)
            else:
                other = ticket_reference(recipe, arm)
            if other is None or other not in arms or other == arm:
                continue
            pair = (other, arm) if role == "reference" else (arm, other)
            if pair not in pairs:
                pairs.add(pair)
                yield {"role": role, "arm": arm, "numerator": pair[0], "denominator": pair[1]}


def compare(rows: Sequence[Outcome], pair: Row, quantity: str) -> tuple[Row, list[Row]]:
    """Return the ratio of two arms' times, over seeds and by seed.

    The first row holds the geometric mean and its interval, `low` and `high`; the `least` and `largest` of
    the seeds if none is a bound; and the log-rank test, with z above 0 if the denominator is the earlier.
    There is none of taus of which one has no lower bound. The other rows are of the seeds whose ratio is a
    number or a bound.

    Parameters
    ----------
    pair : dict
        As from `comparisons`.
    quantity : {"t_gen", "t_mem", "tau"}
        The time to compare.
    """
    numerator, denominator = (
        times_by_seed(rows, pair[name], quantity) for name in ("numerator", "denominator")
    )
    at = pair | {"quantity": quantity}
    seeds = [s for s in numerator if s in denominator]
    seeds = [s for s in seeds if Bounded(0.0) not in (numerator[s], denominator[s])]  # 0 has no ratio
    ratios = paired_ratios([numerator[s] for s in seeds], [denominator[s] for s in seeds])
    ratio_rows = [
        at | {"seed": seed, **_columns("ratio", ratio)}
        for seed, ratio in zip(seeds, ratios, strict=True)
        if ratio is not None
    ]
    present = [ratio for ratio in ratios if ratio is not None]
    mean = mean_ratio(present)
    low, high = mean.interval or (math.nan, math.nan)
    exact = [ratio.value for ratio in present if ratio.bound == "="]
    least, largest = (min(exact), max(exact)) if 0 < len(exact) == len(present) else (math.nan, math.nan)
    row = at | {"n": mean.n, **_columns("ratio", mean.mean)}
    row |= {"low": low, "high": high, "least": least, "largest": largest}
    for name, times in (("numerator", numerator), ("denominator", denominator)):
        row |= {f"n_{name}": len(times), f"n_{name}_censored": _n_bounds(times.values())}
    test = _log_rank(denominator.values(), numerator.values(), quantity)
    return row | {f"log_rank_{name}": value for name, value in asdict(test).items()}, ratio_rows


def arm_row(recipe: Recipe, rows: Sequence[Outcome], arm: str) -> Row:
    """Return an arm's median times, censored counts and last accuracies.

    Medians of t_mem and t_gen are Kaplan and Meier's; that of tau is what the bounds of all networks leave,
    as a network's tau is censored the earlier the later it memorised.
    """
    done = finished(rows, arm)
    columns: Row = {"arm": arm, "method": recipe.arms[arm].method, "sparsity": recipe.sparsity(arm)}
    columns |= {"n": len(done), "n_not_trained": sum(row["arm"] == arm for row in rows) - len(done)}
    for quantity in QUANTITIES:
        times = times_by_seed(rows, arm, quantity).values()
        columns[f"{quantity}_censored"] = _n_bounds(times)
        columns |= _columns(f"{quantity}_median", _median(times, quantity) if times else None)
    for name in ("train_acc", "test_acc"):
        columns[name] = float(np.mean([row[name] for row in done])) if done else math.nan
    return columns


def survival_rows(rows: Sequence[Outcome], arm: str) -> list[Row]:
    """Return the share of networks not yet generalised, over time.

    A row at step 0 and at each step at which the share or the number of networks changes.
    """
    times = _times(times_by_seed(rows, arm, T_GEN).values())
    if not len(times.at):
        return []
    steps, share = survival_curve(times)
    censored = [int((~times.observed & (times.at == step)).sum()) for step in steps]
    start = [] if steps[0] == 0 and share[0] == 1 else [(0.0, 1.0, 0)]
    columns = [*start, *zip(steps.tolist(), share.tolist(), censored, strict=True)]
    return [{"arm": arm, "step": t, "share": s, "n_censored": c} for t, s, c in columns]


def tau_by_sparsity(recipe: Recipe, rows: Sequence[Outcome]) -> list[Row]:
    """Return tau, or its bound, of every network in a series of sparsities.

    A series is a method that prunes several arms to different sparsities, and their dense reference. A row
    per method, reference, arm and seed, by rising sparsity.
    """
    series: dict[tuple[str, str | None], list[str]] = {}
    by_arm = rows_by_arm(rows)
    for arm in by_arm:
        method = recipe.arms[arm].method
        if method != "none":
            series.setdefault((method, dense_reference(recipe, arm)), []).append(arm)
    tau_rows = []
    for (method, reference), arms in series.items():
        if len({recipe.sparsity(arm) for arm in arms}) < 2:
            continue
        for arm in sorted([*filter(None, [reference]), *arms], key=recipe.sparsity):
            at = {"method": method, "reference": reference, "arm": arm, "sparsity": recipe.sparsity(arm)}
            tau_rows += [
                at | {"seed": seed, **_columns("tau", tau)}
                for seed, tau in times_by_seed(by_arm.get(arm, ()), arm, TAU).items()
            ]
    return tau_rows


def _columns(name: str, number: Bounded | None) -> Row:
    """Return a number or bound as two columns of a table."""
    value, bound = (math.nan, None) if number is None else (number.value, number.bound)
    return {name: value, f"{name}_bound": bound}


def _times(times: Collection[Bounded]) -> CensoredTimes:
    at, observed = np.array([(time.value, time.bound == "=") for time in times]).reshape(-1, 2).T
    return CensoredTimes(at, observed.astype(bool))


def _n_bounds(times: Collection[Bounded]) -> int:
    return sum(time.bound != "=" for time in times)


def _median(times: Collection[Bounded], quantity: str) -> Bounded:
    return median_of_bounds(times) if quantity == TAU else median_time(_times(times))


def _log_rank(first: Collection[Bounded], second: Collection[Bounded], quantity: str) -> LogRank:
    """Return the log-rank test.

    Without p if an arm has no network, or a tau no lower bound.
    """
    without_bound = quantity == TAU and any(time.lower <= 0 for time in (*first, *second))
    if not first or not second or without_bound:
        return LogRank(math.nan, math.nan, 0)
    return log_rank(_times(first), _times(second))
