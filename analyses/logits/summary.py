"""Printed tables of `analyses.logits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.logits.majority_vote import N_ORDERS
from analyses.logits.schema import LEAST_R2
from analyses.tables.long_format import arm_words, change, number
from training.cli.printed_table import PrintedTable

LEARNED, REMAINS = 0.5, 0.9
"""Accuracy from which an arm counts in the conclusion, and the share of it that an activation has to keep."""

Row = Mapping[str, Any]


def printed_tables(
    arms: Sequence[Row], swaps: pd.DataFrame, activations: Mapping[str, str]
) -> list[PrintedTable]:
    """Return fit of the indicator and swapped activations, printed.

    Parameters
    ----------
    arms : sequence of mapping
        Means of every arm at its first and last checkpoint, from `plain_means`.
    swaps : pd.DataFrame
        Rows of `SWAPS`.
    activations : mapping
        Activation function that each arm was trained with.
    """
    accuracy = swaps.groupby(["arm", "activation"], sort=False)["accuracy"].mean()
    by_arm = {row["arm"]: {str(name): float(a) for name, a in accuracy[row["arm"]].items()} for row in arms}
    best = max(arms, key=lambda row: np.nan_to_num(row["r2_last"]))
    return [
        PrintedTable(
            "Fit of the flawed indicator, first → last checkpoint, means over seeds: logits ≈ constant + "
            "main × [label] + ghost × ([label of (x, x)] + [label of (y, y)]).",
            [_fit(row) for row in arms],
            f"The indicator explains at most {number(100 * best['r2_last'])} % of the logits' variance over "
            f"classes ({arm_words(best['arm'])}); ideal neurons have R² 1 and ghost/main 0.5. Undefined: R² "
            f"is below {LEAST_R2:g}, main is near 0. Half vote: accuracy if a random half of the neurons "
            f"votes, last checkpoint, mean over {N_ORDERS} choices.",
        ),
        PrintedTable(
            "Accuracy at the last checkpoint with another activation function.",
            [
                {"arm": arm_words(arm)} | {name: number(a) for name, a in row.items()}
                for arm, row in by_arm.items()
            ],
            f"{_trained_with(activations)} {_replacements(by_arm, activations)}",
        ),
    ]


def _fit(row: Row) -> dict[str, Any]:
    first, last = (
        number(row[f"ratio_{at}"]) if row[f"r2_{at}"] >= LEAST_R2 else "undefined" for at in ("first", "last")
    )
    return {
        "arm": arm_words(row["arm"]),
        "seeds": row["n_seeds"],
        "R²": change(row["r2_first"], row["r2_last"]),
        "ghost/main": f"{first} → {last}",
        "accuracy": change(row["accuracy_first"], row["accuracy_last"]),
        "margin (logits)": change(row["margin_first"], row["margin_last"]),
        "half vote": number(row["half_vote_last"]),
    }


def _trained_with(activations: Mapping[str, str]) -> str:
    if len(set(activations.values())) == 1:
        return f"Trained with {next(iter(activations.values()))}."
    return "Trained with " + ", ".join(f"{a} ({arm_words(arm)})" for arm, a in activations.items()) + "."


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
