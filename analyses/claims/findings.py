"""Findings from numbers by seed, and from ratios of two arms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analyses.claims.claim import Finding
from analyses.grokking.schema import OUTCOMES
from analyses.loading.outcomes import times_by_seed
from analyses.speed.schema import PAIRS, RATIOS
from analyses.tables.long_format import records
from analyses.tables.number_text import number
from analyses.tables.roles import arms_with_role
from interp.statistics.censored_times import Bounded, median_of_bounds

OUTCOMES_AND_RATIOS = (OUTCOMES, RATIOS, PAIRS)
"""Tables of claims about how much earlier an arm generalises."""


@dataclass(frozen=True)
class Limit:
    """Range that a number must be in, ends included unless `strict`.

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
        """Return True if the number is certainly within the limit.

        A censored value counts only if its bound decides.
        """
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


def amount_text(value: float | int) -> str:
    """Return a number as text: a whole number in full, others in three digits."""
    whole = value == int(value) if math.isfinite(value) else False
    return f"{value:,.0f}" if whole or abs(value) >= 1000 else number(value)


def bounded_text(value: Bounded) -> str:
    """Return a number that may be a bound as text."""
    amount = amount_text(value.value)
    return amount if value.bound == "=" else f"{value.bound} {amount}"


def bounded_from_row(row: Mapping[str, Any], name: str) -> Bounded:
    """Return the number that a table holds as `name` and `name_bound`."""
    return Bounded(float(row[name]), row[f"{name}_bound"])


def first_arm(table: pd.DataFrame, role: str) -> str:
    """Return the first arm of a role; "" if there is none."""
    return next(iter(arms_with_role(table, role)), "")


def rows_of_first(table: pd.DataFrame, role: str) -> pd.DataFrame:
    """Return the rows of the first arm of a role."""
    return table[table["arm"] == first_arm(table, role)]


def finished_networks(outcomes: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return the rows of an arm's finished networks, by seed."""
    return outcomes[(outcomes["arm"] == arm) & (outcomes["status"] == "done")].set_index("seed")


def values_by_seed(table: pd.DataFrame, column: str) -> dict[int, Bounded]:
    """Return a column of a table that has one row per seed."""
    return {int(row["seed"]): Bounded(float(row[column])) for row in records(table)}


def time_by_seed(outcomes: pd.DataFrame, arm: str, quantity: str) -> dict[int, Bounded]:
    """Return a time, or its bound, of an arm's finished networks.

    Parameters
    ----------
    quantity : {"t_mem", "t_gen", "tau"}
        The time; tau is the ratio t_gen / t_mem.
    """
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in records(outcomes)
    ]
    return times_by_seed(rows, arm, quantity)


def median_over_seeds(by_seed: Mapping[int, Bounded]) -> Bounded | None:
    """Return the lower median, or its bound; None without any seed."""
    return median_of_bounds(by_seed.values()) if by_seed else None


def seed_range(by_seed: Mapping[int, Bounded]) -> str:
    """Return the least and the largest number of the seeds as text."""
    if not by_seed:
        return ""
    ordered = sorted(by_seed.values(), key=lambda value: (value.value, value.bound == ">"))
    least, largest = bounded_text(ordered[0]), bounded_text(ordered[-1])
    return f"{least} in every seed" if least == largest else f"{least} to {largest} (seeds)"


def finding_by_seed(name: str, limit: Limit, by_seed: Mapping[int, Bounded]) -> Finding:
    """Return the finding of a number that every seed must have within the limit.

    Its value is the median over seeds.
    """
    median = median_over_seeds(by_seed)
    return Finding(
        name=name,
        expected=str(limit),
        value="no network" if median is None else bounded_text(median),
        interval=seed_range(by_seed),
        n=len(by_seed),
        n_held=sum(map(limit.holds, by_seed.values())),
        n_cases=len(by_seed),
    )


def finding_of_median(name: str, limit: Limit, by_seed: Mapping[int, Bounded]) -> Finding:
    """Return the finding of a number whose median must be within the limit."""
    median = median_over_seeds(by_seed)
    held = median is not None and limit.holds(median)
    finding = finding_by_seed(name, limit, by_seed)
    return replace(finding, n_held=int(held), n_cases=int(median is not None))


def dense_arm_of(ratios: pd.DataFrame, arm: str) -> str:
    """Return the dense arm an arm is compared with; "" if none."""
    numerators = ratios.loc[(ratios["role"] == "reference") & (ratios["arm"] == arm), "numerator"]
    return next(iter(numerators), "")


def ratio_finding(
    name: str, limit: Limit, ratios: pd.DataFrame, pairs: pd.DataFrame, role: str, arm: str
) -> Finding:
    """Return the finding of a ratio of two arms' t_gen.

    Every seed must have it within the limit; its value is the geometric mean over seeds. A pair of networks
    neither of which generalised has no ratio, and does not hold.

    Parameters
    ----------
    ratios, pairs : DataFrame
        Tables of `analyses.speed`, over seeds and by seed.
    role, arm : str
        As in these tables.
    """
    ratio_rows, pair_rows = (
        records(table[(table["role"] == role) & (table["arm"] == arm) & (table["quantity"] == "t_gen")])
        for table in (ratios, pairs)
    )
    by_seed = {int(pair["seed"]): bounded_from_row(pair, "ratio") for pair in pair_rows}
    n, value, interval = 0, "no network", seed_range(by_seed)
    for row in ratio_rows:  # one or none
        n = min(row["n_numerator"], row["n_denominator"])
        if not math.isnan(row["ratio"]):
            value = bounded_text(bounded_from_row(row, "ratio"))
        elif n:
            value = "none generalised"
        if not math.isnan(row["low"]):
            interval = f"{amount_text(row['low'])} to {amount_text(row['high'])} (95 % t)"
    return Finding(
        name=name,
        expected=str(limit),
        value=value,
        interval=interval,
        n=n,
        n_held=sum(map(limit.holds, by_seed.values())),
        n_cases=n,
    )
