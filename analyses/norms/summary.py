"""Summary of the norms at which networks generalise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.norms.schema import ALL_ARMS, ENDS, NORM_LABELS, SPREAD
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, records
from analyses.tables.number_text import number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

COMPARED_NORMS = [("kept_l2", "kept_l1"), ("kept_l2", "l1"), ("l2", "l1")]
"""Pairs of an L2 and an L1 norm whose spreads are compared."""
LANDMARKS = {"t_gen": "first generalised", "end": "last"}
"""Printed name of each checkpoint."""
OUTCOMES = {"generalised": "generalised", "never": "never generalised", "unknown": "no metrics"}


def comparisons(spread: pd.DataFrame) -> list[dict[str, Any]]:
    """Compare the spread of L2 with that of L1.

    Both are over the networks that generalised, at their last checkpoint.
    "Many L1, one L2" may speak of all weights or of the kept ones, so each pair of `COMPARED_NORMS` has a
    row; there is none for fewer than two networks.
    """
    pooled = spread[(spread["at"] == "end") & (spread["arm"] == ALL_ARMS) & (spread["n"] > 1)]
    by_norm = {row["norm"]: row for row in records(pooled)}
    rows = []
    for l2, l1 in (pair for pair in COMPARED_NORMS if by_norm.keys() >= set(pair)):
        row: dict[str, Any] = {"l2": l2, "l1": l1, "n": by_norm[l2]["n"], "n_arms": by_norm[l2]["n_arms"]}
        for name in ("log_sd", "cv", "max_over_min"):
            row |= {f"l2_{name}": by_norm[l2][name], f"l1_{name}": by_norm[l1][name]}
        rows.append(row | {"smaller": "l2" if row["l2_log_sd"] < row["l1_log_sd"] else "l1"})
    return rows


def printed(measured: Mapping[Table, pd.DataFrame]) -> list[PrintedTable]:
    """Return the printed tables of norms and of their spread."""
    ends, spread = measured[ENDS], measured[SPREAD]
    tables = [
        PrintedTable(
            "Norms over all layers (units of the weights) of all and of the kept weights, mean over seeds.",
            [_printed_norms(rows) for _, rows in groups(ends, ["arm", "outcome", "at"])],
            "Kept: by the arm's mask; of a dense arm, by its magnitude mask at the recipe's sparsity. "
            "First generalised: the first checkpoint at which the test curve had reached its threshold.",
        )
    ]
    pooled = spread[spread["arm"] == ALL_ARMS]
    if len(pooled):
        tables.append(
            PrintedTable(
                "Spread of the norms over the networks that generalised, all arms and seeds together.",
                [_printed_spread(row) for row in records(pooled)],
                _inside(pooled),
            )
        )
    compared = comparisons(spread)
    if compared:
        n, n_arms = compared[0]["n"], compared[0]["n_arms"]
        tables.append(
            PrintedTable(
                f"Spread of L2 against L1 at the last checkpoint of {n} networks of {n_arms} arms that "
                "generalised.",
                [_printed_comparison(row) for row in compared],
                _zone(compared),
            )
        )
    return tables


def _inside(pooled: pd.DataFrame) -> str:
    """Return the sentence about networks that never generalised."""
    last = pooled[pooled["at"] == "end"]
    n_never = int(last["never"].max()) if len(last) else 0
    if not n_never:
        return "Every network generalised, so none tests whether norms in these ranges are enough."
    counts = ", ".join(f"{row['inside']:.0f} ({NORM_LABELS[row['norm']]})" for row in records(last))
    return f"Number of the {n_never} networks that never generalised but end in the range: {counts}."


def _zone(compared: Sequence[dict[str, Any]]) -> str:
    n_narrower = sum(row["smaller"] == "l2" for row in compared)
    return (
        f"One zone of L2 and many of L1 would spread less in L2: so it is in {n_narrower} of {len(compared)} "
        "readings of which weights the norms are of."
    )


def _printed_norms(rows: pd.DataFrame) -> dict[str, Any]:
    first = rows.iloc[0]
    row: dict[str, Any] = {"arm": arm_label(first["arm"]), "checkpoint": LANDMARKS[first["at"]]}
    if first["at"] == "end":
        row["checkpoint"] += f", {OUTCOMES[first['outcome']]}"
    row["seeds"] = len(rows)
    headers = {norm: label.removesuffix(" weights") for norm, label in NORM_LABELS.items()}
    return row | {header: _norm(rows[norm].mean()) for norm, header in headers.items()}


def _norm(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else number(value)


def _printed_spread(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "checkpoint": LANDMARKS[row["at"]],
        "norm": NORM_LABELS[row["norm"]],
        "networks": row["n"],
        "range": f"{_norm(row['least'])} to {_norm(row['largest'])}" if row["n"] > 1 else _norm(row["mean"]),
        "largest / least": number(row["max_over_min"]),
        "SD of ln": number(row["log_sd"]),
        "SD / mean": number(row["cv"]),
    }


def _printed_comparison(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "L2 norm": NORM_LABELS[row["l2"]],
        "SD of ln L2": number(row["l2_log_sd"]),
        "L1 norm": NORM_LABELS[row["l1"]],
        "SD of ln L1": number(row["l1_log_sd"]),
        "spreads less": row["smaller"].upper(),
    }
