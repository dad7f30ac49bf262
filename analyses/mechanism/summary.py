"""Summary of settling, inheritance and prediction, per arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.mechanism.schema import MEANS, SOURCE_LABELS, STAGE_LABELS, STAGES, WINNERS
from analyses.tables.labels import LOTTERY_RULES, arm_label
from analyses.tables.long_format import groups, plain_means
from analyses.tables.number_text import decimals, step_range
from analyses.tables.roles import compared_arms, main_arm
from analyses.tables.schema import Table
from interp.dynamics.threshold_crossings import first_crossing
from training.cli.printed_table import PrintedTable

COMPARISON = (
    *("n_keys", "common", "overlap", "chance", "p_value", "key_share", "key_share_chance"),
    *("n", "same", "low", "high", "shuffled_chance"),
)
"""Columns of a comparison of two stages."""
PRINTED_RULES = ("max_magnitude", "min_blowup_time")
DECISIVE_RULE = "min_blowup_time"
"""Rule that the conclusion reports."""


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    means, settled = plain_means(tables[MEANS], by=["arm"]), half_settled(tables[MEANS])
    stages, rules = inherited(tables[STAGES]), pooled(tables[WINNERS])
    summary = {"arms": means, "half_settled": settled, "stages": stages, "rules": rules}
    shown = main_arm(tables[MEANS])
    printed = [_printed_settling(tables[MEANS], means, settled)]
    if stages:
        printed.append(_printed_stages(stages, shown))
    if rules:
        printed.append(_printed_rules(rules, shown))
    return summary, printed


def half_settled(means: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each network's step of half settled energy."""
    return [
        {"arm": arm, "seed": int(seed)}
        | {"step": first_crossing(curve["step"].to_numpy(), curve["settled_weighted"].to_numpy(), 0.5).at}
        for (arm, seed), curve in groups(means[means["settled_weighted"].notna()], ["arm", "seed"])
    ]


def inherited(stages: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every stage's comparisons, as means over seeds."""
    rows = []
    for (arm, stage), comparisons in groups(stages, ["arm", "stage"]) if len(stages) else ():
        row: dict[str, Any] = {"arm": arm, "stage": stage, "n_seeds": comparisons["seed"].nunique()}
        for (reference,), seeds in groups(comparisons, ["reference"]):
            row |= {f"{reference}_{column}": float(seeds[column].mean()) for column in COMPARISON}
        rows.append(row)
    return rows


def pooled(winners: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rules' shares over all seeds' neurons, per source."""
    rows = []
    for (arm, source, rule), seeds in groups(winners, ["arm", "source", "rule"]) if len(winners) else ():
        n = int(seeds["n"].sum())
        weight = seeds["n"] / n if n else np.nan
        rows.append(
            {"arm": arm, "source": source, "rule": rule, "n_seeds": len(seeds), "n": n}
            | {"share": seeds["hits"].sum() / n if n else np.nan}
            | {"low": seeds["low"].min(), "high": seeds["high"].max()}
            | {"chance": float(seeds["chance"].iloc[0])}
            | {"shuffled_chance": float((seeds["shuffled_chance"] * weight).sum(min_count=1))}
        )
    return rows


def _printed_settling(
    mean_rows: pd.DataFrame, means: list[dict[str, Any]], settled: list[dict[str, Any]]
) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "seeds": row["n_seeds"],
            "settled at start": _with_chance(row["settled_first"], row["settled_chance_first"]),
            "half by (step)": step_range([half["step"] for half in settled if half["arm"] == row["arm"]]),
            "in = out": _first_and_last(row, "same_frequency"),
            "cos D": _first_and_last(row, "weighted_cos"),
            "key share": _first_and_last(row, "key_share"),
        }
        for row in means
    ]
    by_arm = {row["arm"]: row for row in means}
    conclusion = "; ".join(
        f"{arm_label(arm)}: {decimals(by_arm[arm]['settled_first'])} of the neurons have their final "
        f"frequency before training ({decimals(by_arm[arm]['settled_chance_first'])} by chance)"
        for arm in compared_arms(mean_rows)
    )
    return PrintedTable(
        "When neurons settle on their final frequency (means over seeds, first → last checkpoint).",
        rows,
        f"{conclusion}.\n"
        "Settled: share of the neurons with their final frequency, in brackets by chance. Half by: step "
        "from which neurons with half of the final energy have it. In = out: share of the neurons whose "
        "input and output weights have one frequency. cos D: mean, weighted by amplitudes, of the cosine of "
        "2 × input phase − output phase; 1 is aligned. Key share: share of the energy at the last key "
        "frequencies.",
    )


def _printed_stages(stages: list[dict[str, Any]], arm: str) -> PrintedTable:
    """Return the table of stages, concluding on one arm."""
    starts = [row for row in stages if row["stage"] == "start"]
    start = next((row for row in starts if row["arm"] == arm), starts[0])
    overlap, neurons = (
        f"{decimals(start[f'dense_end_{column}'])} ({decimals(start[f'dense_end_{chance}'])} by chance)"
        for column, chance in (("overlap", "chance"), ("same", "shuffled_chance"))
    )
    return PrintedTable(
        "Frequencies of each stage, compared with the dense network's end and with the arm's own end.",
        [_printed_stage(row) for row in stages],
        f"{arm_label(start['arm'])}: before training, its strongest frequencies overlap the dense network's "
        f"key frequencies by {overlap}, and the share of its neurons with the dense neuron's frequency is "
        f"{neurons}.\n"
        "Keys: overlap (1 is equal sets) of the key frequencies with as many strongest ones of the stage. "
        "Neurons: share that have the frequency of the same neuron there. In brackets: by chance. Masked: "
        "the dense network's last weights times the arm's mask.",
    )


def _printed_stage(row: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {"arm": arm_label(row["arm"]), "stage": STAGE_LABELS[row["stage"]]}
    for reference, words in (("dense_end", "dense"), ("end", "arm's end")):
        for column, chance, quantity in (
            ("overlap", "chance", "keys"),
            ("same", "shuffled_chance", "neurons"),
        ):
            value, by_chance = row[f"{reference}_{column}"], row[f"{reference}_{chance}"]
            text = "itself" if row["stage"] == reference else _with_chance(value, by_chance)
            cells[f"{quantity}, {words}"] = text
    return cells


def _printed_rules(rules: list[dict[str, Any]], arm: str) -> PrintedTable:
    """Return the table of predictions, concluding on one arm."""
    by_key = {(row["arm"], row["source"], row["rule"]): row for row in rules}
    arms_and_sources = dict.fromkeys((row["arm"], row["source"]) for row in rules)
    if arm not in {name for name, _ in arms_and_sources}:  # its labels are no sum
        arm = next(iter(arms_and_sources))[0]
    of_arm = [by_key[arm, source, DECISIVE_RULE] for name, source in arms_and_sources if name == arm]
    parts = [
        f"{SOURCE_LABELS[row['source']]} {_with_chance(row['share'], row['shuffled_chance'])}"
        for row in of_arm
    ]
    return PrintedTable(
        "Share of the neurons whose final frequency is predicted from parts of the initial weights.",
        [_printed_prediction(arm, source, by_key) for arm, source in arms_and_sources],
        f"{arm_label(arm)}, by the {LOTTERY_RULES[DECISIVE_RULE]}: {', '.join(parts)}.\n"
        "Mask alone: every kept weight of a layer has one size; a mask does not know signs, so the same mask "
        "is read at twice each frequency k, too. α: amplitude of the input weights. Blow-up time: when the "
        "frequency becomes infinite in the decoupled flow. In brackets: the predictions, dealt to the "
        "neurons at random. 95 % interval: of the last share, Wilson, of each network's neurons, from the "
        "lowest to the highest end over seeds.",
    )


def _printed_prediction(
    arm: str, source: str, by_key: Mapping[tuple[str, str, str], dict[str, Any]]
) -> dict[str, Any]:
    rows = {rule: by_key[arm, source, rule] for rule in PRINTED_RULES}
    last = rows[DECISIVE_RULE]
    cells = {"arm": arm_label(arm), "predicted from": SOURCE_LABELS[source], "neurons": last["n"]}
    cells |= {
        LOTTERY_RULES[rule]: _with_chance(row["share"], row["shuffled_chance"]) for rule, row in rows.items()
    }
    return cells | {
        "95 % interval": f"{decimals(last['low'])}–{decimals(last['high'])}" if last["n"] else "-"
    }


def _first_and_last(row: Mapping[str, Any], column: str) -> str:
    return f"{decimals(row[f'{column}_first'])} → {decimals(row[f'{column}_last'])}"


def _with_chance(value: float, chance: float) -> str:
    return f"{decimals(value)} ({decimals(chance)})"
