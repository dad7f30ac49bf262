"""Printed tables of the speed analysis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from analyses.speed.schema import ARMS, CORRELATIONS, DOSES, FIXED_STEPS, RATIOS, T_GEN, T_MEM, TAU
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, records
from analyses.tables.number_text import decimals, number
from analyses.tables.schema import Table
from interp.statistics.censored_times import Bounded, possible_smallest
from training.cli.printed_table import PrintedTable

Row = dict[str, Any]

MOST_NAMED = 3
"""Arms that a conclusion names on each side."""
LEGEND = (
    "Ratios are geometric means over pairs of one seed. '<' and '>': bounds, as some networks never got "
    "there. 95 % interval: Student's t on the log-ratios of the pairs. Log-rank test: probability p that "
    "equal arms differ so much in t_gen, counted over arrangements of the networks if fewer than ten of an "
    "arm generalised; n networks generalised."
)


def printed_tables(tables: Mapping[Table, pd.DataFrame]) -> list[PrintedTable]:
    """Return all printed tables."""
    printed = [_printed_arms(tables[ARMS], tables[DOSES])]
    if len(tables[RATIOS]):
        printed += _printed_ratios(tables[RATIOS])
    printed.append(_printed_accuracies(tables[FIXED_STEPS]))
    if len(tables[CORRELATIONS]):
        printed.append(_printed_correlations(tables[CORRELATIONS]))
    return printed


def _printed_arms(arms: pd.DataFrame, doses: pd.DataFrame) -> PrintedTable:
    arms = arms.sort_values("sparsity", kind="stable")
    exact = arms[arms["t_gen_median_bound"] == "="]
    conclusion = "No arm generalised in half of its networks. "
    if len(exact):
        earliest = exact.sort_values("t_gen_median", kind="stable").iloc[0]
        steps = f"median t_gen {earliest['t_gen_median']:,.0f} steps"
        conclusion = f"Earliest to generalise: {arm_label(earliest['arm'])} ({steps}). "
    conclusion += _smallest_tau(doses, arms)
    return PrintedTable(
        "Median steps at which the arms memorised (t_mem) and generalised (t_gen), and tau = t_gen / t_mem.",
        [_printed_arm(row) for row in records(arms)],
        f"{conclusion.strip()}\n"
        "Medians over seeds, of steps Kaplan and Meier's; '>': fewer than half of the networks got there; "
        "tau > 0: nothing is known of half of the networks, which neither memorised nor generalised.",
    )


def _printed_arm(row: Row) -> Row:
    steps = "{:,.0f}".format
    return {
        "arm": arm_label(row["arm"]),
        "sparsity": number(row["sparsity"], 2),
        "never generalised": f"{row['t_gen_censored']} of {row['n']}",
        "t_mem (steps)": _bounded(row, "t_mem_median", steps),
        "t_gen (steps)": _bounded(row, "t_gen_median", steps),
        "tau": _bounded(row, "tau_median"),
        "test accuracy": number(row["test_acc"]),
        "last train accuracy": number(row["train_acc"]),
    }


def _smallest_tau(doses: pd.DataFrame, arms: pd.DataFrame) -> str:
    """Return every series' sparsity with the smallest median tau, or those possible."""
    if doses.empty:
        return ""
    medians = {
        row["arm"]: Bounded(row["tau_median"], row["tau_median_bound"])
        for row in records(arms)
        if not math.isnan(row["tau_median"])
    }
    sentences = ""
    for (method, reference), series in groups(doses, ["method", "reference"]):
        of_series = {
            arm: median for arm, median in medians.items() if arm in set(series["arm"]) and arm != reference
        }
        words = "none, as no median is known"
        if any(math.isfinite(median.upper) for median in of_series.values()):
            smallest = [arm_label(arm) for arm in possible_smallest(of_series)]
            words = smallest[0] if len(smallest) == 1 else f"one of {', '.join(smallest)}"
        sentences += f"Smallest median tau of {method} masks at different sparsities: {words}. "
    return sentences


def _printed_ratios(ratios: pd.DataFrame) -> list[PrintedTable]:
    """Return a table per arm that others are compared with."""
    printed: list[PrintedTable] = []
    for role, other, ratio in (("reference", "numerator", "{} / arm"), ("ticket", "denominator", "arm / {}")):
        for (name,), compared in groups(ratios[ratios["role"] == role], [other]):
            label = arm_label(name)
            by_arm = {
                arm: {row["quantity"]: row for row in records(rows)}
                for (arm,), rows in groups(compared, ["arm"])
            }
            earlier = "the arm" if role == "reference" else label
            conclusion = f"{_conclusion(by_arm, label)} Above 1, {earlier} is earlier."
            printed.append(
                PrintedTable(
                    f"Ratios of times: {ratio.format(label)}.",
                    [_printed_ratio(arm, rows) for arm, rows in by_arm.items()],
                    conclusion if printed else f"{conclusion}\n{LEGEND}",
                )
            )
    return printed


def _printed_ratio(arm: str, rows: Mapping[str, Row]) -> Row:
    t_gen = rows[T_GEN]
    earlier = (t_gen["log_rank_z"] > 0) == (t_gen["denominator"] == arm)
    test = f"{'earlier' if earlier else 'later'}, p = {number(t_gen['log_rank_p'])}"
    one = t_gen["n"] == 1  # a single pair has no interval
    return {
        "arm": arm_label(arm),
        "pairs": t_gen["n"],
        "t_gen ratio": _bounded(t_gen, "ratio"),
        "95 % interval": "n = 1" if one else _interval(t_gen["low"], t_gen["high"]),
        "t_mem ratio": _bounded(rows[T_MEM], "ratio"),
        "tau ratio": _bounded(rows[TAU], "ratio"),
        "log-rank": "-" if math.isnan(t_gen["log_rank_p"]) else f"{test}, n = {t_gen['log_rank_n_events']}",
        "t_gen ratio of seeds": "n = 1" if one else _interval(t_gen["least"], t_gen["largest"]),
    }


def _conclusion(by_arm: Mapping[str, Mapping[str, Row]], other: str) -> str:
    """Return which arms generalise earlier than another, and which later."""
    factors: dict[str, list[tuple[float, str]]] = {}
    for arm, rows in by_arm.items():
        side, factor, is_bound = _earlier_or_later(rows[T_GEN], arm)
        words = f" ({'at least ' if is_bound else ''}{number(factor)} times)" if factor > 1 else ""
        factors.setdefault(side, []).append((factor, arm_label(arm) + words))
    sentences = []
    for side, words in (
        ("earlier", f"Generalises earlier than {other}"),
        ("later", f"Generalises later than {other}"),
        ("undecided", "Undecided"),
    ):
        arms = [arm for _, arm in sorted(factors.get(side, []), key=lambda pair: -pair[0])]
        more = f"; {len(arms) - MOST_NAMED} more" if len(arms) > MOST_NAMED else ""
        sentences += [f"{words}: {'; '.join(arms[:MOST_NAMED])}{more}."] if arms else []
    return " ".join(sentences)


def _earlier_or_later(row: Row, arm: str) -> tuple[str, float, bool]:
    """Return the side, factor and kind of an arm's ratio.

    The side is "earlier", "later" or "undecided"; True: the factor is a lower bound.

    Examples
    --------
    >>> _earlier_or_later({"denominator": "ticket", "ratio": 25.0, "ratio_bound": "="}, "ticket")
    ('earlier', 25.0, False)
    >>> _earlier_or_later({"denominator": "random", "ratio": 0.5, "ratio_bound": "<"}, "random")
    ('later', 2.0, True)
    >>> _earlier_or_later({"denominator": "random", "ratio": 2.0, "ratio_bound": "<"}, "random")
    ('undecided', 1.0, False)
    """
    ratio, bound = row["ratio"], row["ratio_bound"]
    if row["denominator"] != arm and ratio > 0:
        ratio, bound = 1 / ratio, {"=": "=", "<": ">", ">": "<"}[bound]
    if ratio > 1 and bound != "<":
        return "earlier", ratio, bound == ">"
    if ratio < 1 and bound != ">":
        return "later", 1 / ratio, bound == "<"
    return "undecided", 1.0, False


def _printed_accuracies(accuracies: pd.DataFrame) -> PrintedTable:
    """Return mean accuracies of every arm, a column per step."""
    rows: list[Row] = []
    best: dict[int, tuple[float, str]] = {}
    for (arm,), of_arm in groups(accuracies, ["arm"]):
        row: Row = {"arm": arm_label(arm)}
        for (step,), at_step in groups(of_arm, ["step"]):
            values = at_step["test_acc"].dropna()
            some = f" (n = {len(values)})" if 0 < len(values) < len(at_step) else ""
            row[f"step {step:,}"] = number(values.mean()) + some
            if len(values):
                best[step] = max(
                    best.get(step, (-1.0, "")), (values.mean(), row["arm"]), key=lambda pair: pair[0]
                )
        rows.append(row)
    steps_by_arm: dict[str, list[str]] = {}
    for step, (_, label) in best.items():
        steps_by_arm.setdefault(label, []).append(f"{step:,}")
    highest = "; ".join(f"{arm} at {', '.join(steps)}" for arm, steps in steps_by_arm.items())
    return PrintedTable(
        "Test accuracy at fixed steps, mean over seeds.",
        rows,
        f"{f'Highest: {highest}.' if highest else ''}\n-: training had ended, or there are no accuracies; "
        "n: seeds still trained, if not all.",
    )


def _printed_correlations(correlations: pd.DataFrame) -> PrintedTable:
    """Return correlations by source and seed, a column per step."""
    rows: dict[tuple[str, str], Row] = {}
    for row in records(correlations):
        seed = "all" if pd.isna(row["seed"]) else f"{row['seed']:.0f}"
        printed_row = rows.setdefault(
            (row["source"], seed), {"taken from": arm_label(row["source"]), "seed": seed}
        )
        printed_row[f"step {row['step']:,}"] = f"{decimals(row['spearman'])} (n = {row['n']})"
    return PrintedTable(
        "Rank correlation of tickets' test accuracies at fixed steps with the accuracy of their source.",
        list(rows.values()),
        "1: the better the source was at the step of the mask, the better its ticket.\n"
        "Spearman's correlation over n tickets; those of one seed are not independent.",
    )


def _bounded(row: Row, name: str, text: Callable[[float], str] = number) -> str:
    """Return a number or bound as text; '-' for none."""
    value, bound = row[name], row[f"{name}_bound"]
    return "-" if math.isnan(value) else text(value) if bound == "=" else f"{bound} {text(value)}"


def _interval(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{number(low)} to {number(high)}"
