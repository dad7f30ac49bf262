"""How claims read the saved tables: limits, numbers of every seed, ratios of two arms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analyses.claims.claim import Finding
from analyses.loading.outcomes import times_by_seed
from analyses.tables.long_format import number, records
from interp.statistics.censored_times import Bounded, CensoredTimes, median_time

NETWORKS, CURVES = ("grokking", ".parquet"), ("grokking", "_curves.parquet")
COMPARED, PAIRS, ARMS = ("speed", ".parquet"), ("speed", "_pairs.parquet"), ("speed", "_arms.parquet")


@dataclass(frozen=True)
class Limit:
    """What a number must be, both ends included unless it is `strict`.

    Examples
    --------
    >>> print(Limit(50, 200), Limit(8), Limit(most=25), Limit(most=0.5, strict=True), sep="; ")
    50 to 200; at least 8; at most 25; below 0.5
    >>> Limit(8).holds(Bounded(54.0, ">")), Limit(most=25).holds(Bounded(20.0, ">"))
    (True, False)
    """

    least: float | int = -math.inf
    most: float | int = math.inf
    strict: bool = False

    def holds(self, number: Bounded) -> bool:
        """Whether it is known to be so: of a bound, only where the bound says it."""
        if self.strict and number.value in (self.least, self.most):
            return False
        above = self.least == -math.inf or (number.value >= self.least and number.bound != "<")
        return above and (self.most == math.inf or (number.value <= self.most and number.bound != ">"))

    def __str__(self) -> str:
        least, most = f"{self.least:,g}", f"{self.most:,g}"
        if self.most == math.inf:
            return f"{'above' if self.strict else 'at least'} {least}"
        if self.least == -math.inf:
            return f"{'below' if self.strict else 'at most'} {most}"
        return f"{least} to {most}"


def amount(value: float | int) -> str:
    """A number as sentences have it: whole ones in full, others in three digits."""
    whole = value == int(value) if math.isfinite(value) else False
    return f"{value:,.0f}" if whole or abs(value) >= 1000 else number(value)


def bounded(found: Bounded) -> str:
    """A number that may be a bound."""
    return amount(found.value) if found.bound == "=" else f"{found.bound} {amount(found.value)}"


def of_row(row: Mapping[str, Any], name: str) -> Bounded:
    """The number that a table holds as `name` and `name_bound`."""
    return Bounded(float(row[name]), row[f"{name}_bound"])


def done(networks: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The rows of an arm's finished networks in the table of `analyses.grokking`, one per seed."""
    return networks[(networks["arm"] == arm) & (networks["status"] == "done")].set_index("seed")


def by_seed(table: pd.DataFrame, column: str) -> dict[int, Bounded]:
    """A column of a table that has a row per seed."""
    return {int(row["seed"]): Bounded(float(row[column])) for row in records(table)}


def times(networks: pd.DataFrame, arm: str, quantity: str) -> dict[int, Bounded]:
    """`t_mem`, `t_gen` or `tau` of an arm's finished networks by seed; of a censored one the lower bound."""
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in records(networks)
    ]
    known = times_by_seed(rows, arm, quantity)
    return {seed: Bounded(value, "=" if seen else ">") for seed, (value, seen) in known.items()}


def median(found: Mapping[int, Bounded]) -> Bounded | None:
    """Kaplan–Meier median over seeds; None without any. Numbers that are no times may be negative."""
    if not found:
        return None
    if all(x.bound == "=" for x in found.values()):
        return sorted(found.values(), key=lambda x: x.value)[(len(found) - 1) // 2]
    at = np.array([x.value for x in found.values()])
    return median_time(CensoredTimes(at, np.array([x.bound == "=" for x in found.values()])))


def seed_range(found: Mapping[int, Bounded]) -> str:
    """Least and largest of the seeds' numbers."""
    if not found:
        return ""
    ordered = sorted(found.values(), key=lambda x: (x.value, x.bound == ">"))
    ends = (bounded(ordered[0]), bounded(ordered[-1]))
    return f"{ends[0]} in every seed" if ends[0] == ends[1] else f"{ends[0]} to {ends[1]} (seeds)"


def every_seed(name: str, limit: Limit, found: Mapping[int, Bounded]) -> Finding:
    """A number that each seed must have within the limit; shown by its median."""
    middle = median(found)
    return Finding(
        name=name,
        expected=str(limit),
        value="no network" if middle is None else bounded(middle),
        interval=seed_range(found),
        n=len(found),
        held=sum(map(limit.holds, found.values())),
        of=len(found),
    )


def over_seeds(name: str, limit: Limit, found: Mapping[int, Bounded]) -> Finding:
    """A number whose median over seeds must be within the limit."""
    middle = median(found)
    held = middle is not None and limit.holds(middle)
    return replace(every_seed(name, limit, found), held=int(held), of=int(middle is not None))


def ratio(
    name: str, limit: Limit, compared: pd.DataFrame, pairs: pd.DataFrame, role: str, arm: str
) -> Finding:
    """A ratio of two arms' t_gen that each seed must have within the limit; shown by its geometric mean.

    `compared` and `pairs` are the tables of `analyses.speed`. A pair of which nothing is known, since neither
    network generalised, does not hold.
    """
    wanted = {"role": role, "arm": arm, "quantity": "t_gen"}.items()
    row, own = (
        [row for row in records(table) if all(row[key] == value for key, value in wanted)]
        for table in (compared, pairs)
    )
    seeds = {int(pair["seed"]): of_row(pair, "ratio") for pair in own}
    nothing: dict[str, Any] = {"ratio": math.nan, "n_numerator": 0, "n_denominator": 0}
    over = row[0] if row else nothing
    n = min(over["n_numerator"], over["n_denominator"])
    value, interval = "no network" if n == 0 else "none generalised", seed_range(seeds)
    if not math.isnan(over["ratio"]):
        value = bounded(of_row(over, "ratio"))
        if not math.isnan(over["low"]):
            interval = f"{amount(over['low'])} to {amount(over['high'])} (95 % BCa)"
    held = sum(map(limit.holds, seeds.values()))
    return Finding(name=name, expected=str(limit), value=value, interval=interval, n=n, held=held, of=n)
