"""The speed tables as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from analyses.tables.long_format import arm_words, groups, number, records
from training.cli.parser import format_table

NOTES = """
Times: Kaplan–Meier. Ratios: geometric means over n pairs of one seed; interval: 95 % BCa bootstrap
of the mean log-ratio of t_gen, too narrow for few pairs (it holds the truth in 73 % for 3); seeds:
least and largest ratio of t_gen. '>' and '<': bounds by networks that never got there. p: two-sided
log-rank test of both arms' t_gen, with its number of events."""


def show(tables: dict[str, pd.DataFrame], correlations: list[dict[str, Any]]) -> str:
    """The printed summary: the arms, their comparisons, accuracies at fixed steps and what they go with."""
    arms = tables["_arms"].sort_values("sparsity", kind="stable")
    of_arms = format_table([_arm(row) for row in records(arms)])
    parts = ["Medians over seeds, means of the last accuracies:\n" + of_arms]
    if len(tables["_doses"]):
        parts.append(_smallest_tau(tables["_doses"], arms))
    if len(tables[""]):
        parts += _comparisons(tables[""])
    parts.append(_accuracies(tables["_fixed_steps"]))
    if correlations:
        parts.append(_correlations(correlations))
    return "\n\n".join([*parts, NOTES.strip()])


def _arm(row: dict[str, Any]) -> dict[str, Any]:
    steps = "{:,.0f}".format
    return {
        "arm": arm_words(row["arm"]),
        "sparsity": number(row["sparsity"], 2),
        "n": row["n"],
        "never": row["t_gen_censored"],
        "t_mem": _bounded(row, "t_mem_median", steps),
        "t_gen": _bounded(row, "t_gen_median", steps),
        "tau": _bounded(row, "tau_median"),
        "train acc": number(row["train_acc"]),
        "test acc": number(row["test_acc"]),
    }


def _smallest_tau(doses: pd.DataFrame, arms: pd.DataFrame) -> str:
    """Per series of sparsities, the arm with the smallest median tau."""
    medians = arms[arms["tau_median_bound"] == "="].set_index("arm")["tau_median"]
    lines = []
    for (method, reference), own in groups(doses, ["method", "reference"]):
        known = medians[medians.index.isin(set(own["arm"]) - {reference})]
        smallest = arm_words(str(known.idxmin())) if len(known) else "none"
        lines.append(f"Smallest median tau of {method} masks at different sparsities: {smallest}.")
    return "\n".join(lines)


def _comparisons(table: pd.DataFrame) -> list[str]:
    """A table for every arm that others are compared with."""
    parts = []
    for role, other, words in (
        ("reference", "numerator", "{} / arm:"),
        ("ticket", "denominator", "arm / {}:"),
    ):
        for (name,), own in groups(table[table["role"] == role], [other]):
            rows = [_comparison(arm, records(of_arm)) for (arm,), of_arm in groups(own, ["arm"])]
            parts.append(words.format(arm_words(name)) + "\n" + format_table(rows))
    return parts


def _comparison(arm: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_quantity = {row["quantity"]: row for row in rows}
    t_gen = by_quantity["t_gen"]
    sooner = (t_gen["log_rank_z"] > 0) == (t_gen["denominator"] == arm)
    return {
        "arm": arm_words(arm),
        "n": t_gen["n"],
        "t_gen": _bounded(t_gen, "ratio"),
        "interval": _range(t_gen["low"], t_gen["high"]),
        "seeds": _range(t_gen["least"], t_gen["largest"]),
        "t_mem": _bounded(by_quantity["t_mem"], "ratio"),
        "tau": _bounded(by_quantity["tau"], "ratio"),
        "arm is": "-" if math.isnan(t_gen["log_rank_p"]) else "sooner" if sooner else "later",
        "p, events": f"{number(t_gen['log_rank_p'])}, {t_gen['log_rank_n_events']}",
    }


def _accuracies(table: pd.DataFrame) -> str:
    """A column per step; how many seeds were trained for so long is said where it is not all."""
    rows = []
    for (arm,), own in groups(table, ["arm"]):
        row: dict[str, Any] = {"arm": arm_words(arm)}
        for (step,), at_step in groups(own, ["step"]):
            known = at_step["test_acc"].dropna()
            some = f" (n = {len(known)})" if 0 < len(known) < len(at_step) else ""
            row[f"at {step:,}"] = number(known.mean()) + some
        rows.append(row)
    return "Test accuracy at fixed steps, means over seeds (-: had stopped before):\n" + format_table(rows)


def _correlations(correlations: list[dict[str, Any]]) -> str:
    """A row per source and seed, a column per step."""
    rows: dict[tuple[str, int | None], dict[str, Any]] = {}
    for own in correlations:
        key, seed = (own["source"], own["seed"]), "all" if own["seed"] is None else str(own["seed"])
        row = rows.setdefault(key, {"taken from": arm_words(own["source"]), "seed": seed})
        row[f"at {own['step']:,}"] = f"{number(own['spearman'], 2)} (n = {own['n']})"
    said = "Spearman's correlation of tickets' accuracies at fixed steps with the accuracy of the network\n"
    return said + "they were taken from, at the step of their mask:\n" + format_table(list(rows.values()))


def _bounded(row: dict[str, Any], name: str, said: Callable[[float], str] = number) -> str:
    """A number that may be a bound; '-' for none."""
    value, bound = row[name], row[f"{name}_bound"]
    return "-" if math.isnan(value) else said(value) if bound == "=" else f"{bound} {said(value)}"


def _range(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{number(low)} to {number(high)}"
