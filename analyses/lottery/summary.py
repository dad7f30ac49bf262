"""Summary of the lottery tables, over the seeds of an arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.lottery.schema import EQUAL, RULES, SIMULATED_ARMS, SIMULATED_ROLE
from analyses.tables.labels import LOTTERY_RULES, arm_label
from analyses.tables.long_format import groups
from analyses.tables.number_text import decimals
from analyses.tables.roles import arms_with_role, compared_arms
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

SYMBOLS = (
    "α, β: amplitudes of a neuron's input and output weights at a frequency; D = 2φ − ψ: misalignment of "
    "their phases; blow-up time: when the frequency becomes infinite in the decoupled flow (exact for "
    "one-hot inputs, squared activations and small logits, else a guess)."
)


def summarise(
    tables: Mapping[Table, pd.DataFrame], growth: float
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    rules, equal = pooled(tables[RULES]), pooled(tables[EQUAL])
    summary = {"growth": growth, "rules": rules, "equal_magnitudes": equal}
    return summary, [_printed_rules(tables[RULES], rules, growth), _printed_equal(equal)]


def pooled(rule_rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rules' shares over all seeds' neurons, per arm."""
    rows = []
    for (arm, rule), networks in groups(rule_rows, ["arm", "rule"]):
        n, n_grown = int(networks["n"].sum()), int(networks["n_grown"].sum())
        weight = networks["n_grown"] / n_grown if n_grown else np.nan
        rows.append(
            {
                "arm": arm,
                "rule": rule,
                "n_seeds": len(networks),
                "n": n,
                "n_grown": n_grown,
                "share": networks["hits"].sum() / n if n else np.nan,
                "share_grown": networks["hits_grown"].sum() / n_grown if n_grown else np.nan,
                "low": networks["low"].min(),
                "high": networks["high"].max(),
                "chance": float(networks["chance"].iloc[0]),
                "shuffled_chance": float((networks["shuffled_chance"].fillna(0) * weight).sum(min_count=1)),
            }
        )
    return rows


def blowup_quantiles(neurons: pd.DataFrame) -> tuple[dict[str, float], PrintedTable]:
    """Return quantiles of blow-up times, for JSON and printed."""
    shares = (0.0, 0.1, 0.5, 0.9, 1.0)
    times = [float(time) for time in neurons["blowup_time"].quantile(list(shares))]
    printed = PrintedTable(
        "Blow-up time of the simulated neurons' fastest frequency, at quantiles.",
        [{f"{100 * share:g} %": time for share, time in zip(shares, times, strict=True)}],
        f"Half of the neurons blow up by time {times[2]:.4g} of the flow of the mean loss; divided by "
        "the learning rate, a time is a number of updates.",
    )
    return {f"{share:g}": time for share, time in zip(shares, times, strict=True)}, printed


def _printed_rules(rule_rows: pd.DataFrame, rules: list[dict[str, Any]], growth: float) -> PrintedTable:
    labels = {arm: arm_label(arm) for arm in rule_rows["arm"]}
    labels |= {arm: SIMULATED_ARMS[arm] for arm in arms_with_role(rule_rows, SIMULATED_ROLE)}
    chance = decimals(rules[0]["chance"], 3)
    legend = (
        f"Right: share of the grown neurons, whose norm is at least {growth:g} × the first. "
        "95 % interval: Wilson, of each network's grown neurons, from the lowest to the highest end over "
        "seeds. By chance: the rule's predictions, dealt to the neurons at random; a uniform "
        f"guess is right for {chance}. {SYMBOLS}"
    )
    conclusion = " ".join(_best_rule(rules, arm, labels) for arm in compared_arms(rule_rows))
    return PrintedTable(
        "Share of the neurons whose final frequency a rule predicts from their initial weights.",
        [_printed_rule(row) | {"arm": labels[row["arm"]]} for row in rules],
        f"{conclusion}\n{legend}",
    )


def _best_rule(rules: list[dict[str, Any]], arm: str, labels: Mapping[str, str]) -> str:
    """Return a sentence on one arm's best rule."""
    candidates = [row for row in rules if row["arm"] == arm and row["n_grown"]]
    if not candidates:
        return f"{labels[arm]}: no neuron grew, so no rule is tested."
    best = max(candidates, key=lambda row: row["share_grown"])
    share, chance = decimals(best["share_grown"], 3), decimals(best["shuffled_chance"], 3)
    return (
        f"{labels[arm]}: the {LOTTERY_RULES[best['rule']]} is right most often, for {share} of the neurons "
        f"that grew ({chance} by chance)."
    )


def _printed_rule(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "arm": row["arm"],
        "rule": LOTTERY_RULES[row["rule"]],
        "grown": f"{row['n_grown']} of {row['n']}",
        "right": decimals(row["share_grown"], 3),
        "95 % interval": f"{decimals(row['low'], 3)}–{decimals(row['high'], 3)}" if row["n_grown"] else "-",
        "by chance": decimals(row["shuffled_chance"], 3),
        "of all neurons": decimals(row["share"], 3),
    }


def _printed_equal(equal: list[dict[str, Any]]) -> PrintedTable:
    least = next(row for row in equal if row["rule"] == "min_abs_misalignment")
    rows = [{name: cell for name, cell in _printed_rule(row).items() if name != "arm"} for row in equal]
    return PrintedTable(
        "The rules on simulated neurons that start with equal amplitudes at all frequencies.",
        rows,
        f"Without differences in amplitude, the least |D| is right for {decimals(least['share_grown'], 3)} "
        f"of {least['n_grown']} neurons.",
        details=True,
    )
