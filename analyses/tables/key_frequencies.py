"""Tables of key frequencies by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.long_format import arm_words, few
from interp.mechanism.key_frequency_rules import KEY_RULES
from training.cli.parser import format_table

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network


def key_table(network: Network, steps: np.ndarray, keys: Sequence[Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """A row per key frequency of each of these checkpoints, by every rule."""
    at = {"arm": network.arm, "seed": network.seed}
    rows = [
        at | {"step": int(step), "rule": rule, "frequency": int(k)}
        for step, by_rule in zip(steps, keys, strict=True)
        for rule, frequencies in by_rule.items()
        for k in frequencies
    ]
    table = pd.DataFrame(rows, columns=[*at, "step", "rule", "frequency"])
    return table.astype({"seed": int, "step": int, "frequency": int})


def show_keys(rows: Sequence[Mapping[str, Any]], n_frequencies: int) -> str:
    """As it is printed: the lists of every arm and seed, under the rules' names."""
    return format_table(
        [
            {"arm": arm_words(row["arm"]), "seed": row["seed"]}
            | {rule.replace("_", " "): few(row[rule], n_frequencies) for rule in KEY_RULES}
            for row in rows
        ]
    )
