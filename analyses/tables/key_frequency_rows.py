"""Rows of key-frequency tables, saved and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.labels import arm_label
from analyses.tables.number_text import few
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


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
        "Key frequencies at the last checkpoint, by three published rules.",
        [
            {"arm": arm_label(row["arm"]), "seed": row["seed"]}
            | {rule.replace("_", " "): few(row[rule], n_frequencies) for rule in KEY_RULES}
            for row in rows
        ],
        f"Of {n_frequencies} frequencies. A network computes with those on which the rules agree; "
        "a rule that names most of them has found no structure.",
    )
