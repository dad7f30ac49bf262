"""Summary of the logits: fit of the indicator, swapped activations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.logits.majority_vote import N_ORDERS
from analyses.logits.schema import FITS, LEAST_R2, SWAPS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, plain_means
from analyses.tables.number_text import change, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

LEARNED, REMAINS = 0.5, 0.9
"""Accuracy from which an arm counts in the conclusion, and the share of it that an activation has to keep."""

Row = Mapping[str, Any]


def summarise(
    tables: Mapping[Table, pd.DataFrame], activations: Mapping[str, str]
) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables.

    Parameters
    ----------
    activations : mapping
        Activation function that each arm was trained with.
    """
    arms = plain_means(tables[FITS], by=["arm"])
    accuracy = tables[SWAPS].groupby(["arm", "activation"], sort=False)["accuracy"].mean()
    by_arm = {row["arm"]: {str(name): float(a) for name, a in accuracy[row["arm"]].items()} for row in arms}
    least_r2 = [rows.groupby("arm")["r2"].min() for rows in first_and_last(tables[FITS])]
    best = max(arms, key=lambda row: np.nan_to_num(row["r2_last"]))
    printed = [
        PrintedTable(
            "Fit of the flawed indicator, first → last checkpoint, means over seeds: logits ≈ constant + "
            "main × [label] + ghost × ([label of (x, x)] + [label of (y, y)]).",
            [_fit(row, *(r2[row["arm"]] for r2 in least_r2)) for row in arms],
            f"The indicator explains at most {number(100 * best['r2_last'])} % of the logits' variance over "
            f"classes ({arm_label(best['arm'])}); ideal neurons have R² 1 and ghost/main 0.5. Undefined: R² "
            f"of a seed is below {LEAST_R2:g}, main near 0. Half vote: accuracy if a random half of the "
            f"neurons votes, last checkpoint, mean over {N_ORDERS} choices.",
        ),
        PrintedTable(
            "Accuracy at the last checkpoint with another activation function.",
            [
                {"arm": arm_label(arm)} | {name: number(a) for name, a in row.items()}
                for arm, row in by_arm.items()
            ],
            f"{_trained_with(activations)} {_replacements(by_arm, activations)}",
        ),
    ]
    return {"arms": arms}, printed


def _fit(row: Row, first_r2: float, last_r2: float) -> dict[str, Any]:
    """Return an arm's printed row; R² are the smallest of its seeds."""
    first = number(row["ratio_first"]) if first_r2 >= LEAST_R2 else "undefined"
    last = number(row["ratio_last"]) if last_r2 >= LEAST_R2 else "undefined"
    return {
        "arm": arm_label(row["arm"]),
        "seeds": row["n_seeds"],
        "R²": change(row["r2_first"], row["r2_last"]),
        "ghost/main": first if first == last == "undefined" else f"{first} → {last}",
        "accuracy": change(row["accuracy_first"], row["accuracy_last"]),
        "margin (logits)": change(row["margin_first"], row["margin_last"]),
        "half vote": number(row["half_vote_last"]),
    }


def _trained_with(activations: Mapping[str, str]) -> str:
    if len(set(activations.values())) == 1:
        return f"Trained with {next(iter(activations.values()))}."
    return "Trained with " + ", ".join(f"{a} ({arm_label(arm)})" for arm, a in activations.items()) + "."


def _replacements(accuracy: Mapping[str, Mapping[str, float]], activations: Mapping[str, str]) -> str:
    """Return the sentence on activations that keep the accuracy."""
    learned = {arm: row for arm, row in accuracy.items() if row[activations[arm]] >= LEARNED}
    if not learned:
        return f"No arm reaches accuracy {LEARNED:g} with it, so nothing follows."
    names = [
        name
        for name in next(iter(learned.values()))
        if {activations[arm] for arm in learned} != {name}
        and all(row[name] >= REMAINS * row[activations[arm]] for arm, row in learned.items())
    ]
    return (
        f"In every arm that reaches accuracy {LEARNED:g} with it, at least {100 * REMAINS:g} % of its "
        f"accuracy remain with: {', '.join(names) or 'none'}."
    )
