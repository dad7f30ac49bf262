"""Rows of key-frequency tables, saved and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.labels import arm_label
from analyses.tables.number_text import few, whole_ranges
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

MOST_NAMED = 4
"""Number of networks on which the rules disagree that are printed by name."""


def key_frequency_rows(
    network: Network, steps: np.ndarray, by_step: Sequence[Mapping[str, np.ndarray]]
) -> pd.DataFrame:
    """Return a row per rule and key frequency at some checkpoints."""
    at = {"arm": network.arm, "seed": network.seed}
    rows = [
        at | {"step": int(step), "rule": rule, "frequency": int(k)}
        for step, by_rule in zip(steps, by_step, strict=True)
        for rule, frequencies in by_rule.items()
        for k in frequencies
    ]
    table = pd.DataFrame(rows, columns=[*at, "step", "rule", "frequency"])
    return table.astype({"seed": int, "step": int, "frequency": int})


def rule_differences(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the networks on which the rules disagree, with the frequencies in question.

    Parameters
    ----------
    rows : sequence of mapping
        Each with "arm", "seed", and the frequencies by rule.
    """
    differences = []
    for row in rows:
        chosen = [set(row[rule]) for rule in KEY_RULES]
        only_some = sorted(set.union(*chosen) - set.intersection(*chosen))
        if only_some:
            differences.append({"arm": row["arm"], "seed": row["seed"], "frequencies": only_some})
    return differences


def _agreement(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence about networks on which the rules disagree."""
    differences = rule_differences(rows)
    if not differences:
        return "The rules agree on the key frequencies of every network."
    named = [
        f"{arm_label(row['arm'])} seed {row['seed']} in {whole_ranges(row['frequencies'])}"
        for row in differences[:MOST_NAMED]
    ]
    more = [f"{len(differences) - MOST_NAMED} more"] if len(differences) > MOST_NAMED else []
    return (
        f"The rules disagree on key frequencies in {len(differences)} of {len(rows)} networks: "
        f"{'; '.join([*named, *more])}."
    )


def printed_key_frequencies(rows: Sequence[Mapping[str, Any]], n_frequencies: int) -> PrintedTable:
    """Return the key frequencies of every arm and seed as a printed table.

    Parameters
    ----------
    rows : sequence of mapping
        Each with "arm", "seed", and the frequencies by rule.
    n_frequencies : int
        Number of all frequencies, K.
    """
    return PrintedTable(
        f"{_agreement(rows)} At the last checkpoint, by three published rules:",
        [
            {"arm": arm_label(row["arm"]), "seed": row["seed"]}
            | {rule.replace("_", " "): few(row[rule], n_frequencies) for rule in KEY_RULES}
            for row in rows
        ],
        f"Of {n_frequencies} frequencies. A network computes with those on which the rules agree; "
        "a rule that names most of them has found no structure.",
    )
