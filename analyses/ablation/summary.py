"""Summary of the removals: importances, circuits, agreement with power."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.ablation.schema import AGREEMENT, FREQUENCIES, NETWORKS, REMOVALS, REMOVED_BY
from analyses.tables.labels import arm_label
from analyses.tables.long_format import first_and_last, groups
from analyses.tables.number_text import decimals, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

JUDGED = "Judged on the test pairs; on all pairs where these are unknown or none."
KEPT_WORDS = "an accuracy of .95"


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    _, last = first_and_last(tables[FREQUENCIES])
    importance = [
        {"arm": arm, "n_seeds": rows["seed"].nunique()} | _importance(rows)
        for (arm,), rows in groups(last, ["arm"])
    ]
    _, agreement = first_and_last(tables[AGREEMENT])
    ranks = [
        {"arm": arm, "n_seeds": len(rows)}
        | {name: _mean(rows[name]) for name in ("neurons_rank", "embedding_rank")}
        for (arm,), rows in groups(agreement, ["arm"])
    ]
    networks = _rows_of(tables[NETWORKS])
    parts = _rows_of(_heads(tables[REMOVALS]))
    summary = {"importance": importance, "agreement": ranks, "circuits": networks, "parts": parts}
    printed = [_printed_importance(importance, ranks)]
    if networks:
        printed.append(_printed_circuits(networks))
    if parts:
        printed.append(_printed_parts(parts))
    return summary, printed


def _importance(rows: pd.DataFrame) -> dict[str, Any]:
    """Return one arm's largest importances, and its best single frequency."""
    columns = [f"by_{removal}" for removal in REMOVED_BY]
    largest = rows.groupby("seed")[[*columns, "by_embedding", "by_logits", "alone_acc"]].max()
    n_groups = (rows["n_neurons"] > 0).groupby(rows["seed"]).sum().mean()
    return {"n_groups": float(n_groups)} | {str(name): _mean(largest[name]) for name in largest}


def _heads(removals: pd.DataFrame) -> pd.DataFrame:
    """Return each network's last losses without heads, attention or MLP."""
    _, last = first_and_last(removals)
    chosen = last[last["component"].isin(("network", "head", "attention", "mlp"))]
    if set(chosen["component"]) <= {"network"}:
        return pd.DataFrame()
    by = ["arm", "component", "unit", "removal"]
    return (
        chosen.groupby(by, sort=False)[["test_loss", "test_acc", "all_loss", "all_acc"]].mean().reset_index()
    )


def _rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [
        {str(k): (None if isinstance(v, float) and v != v else v) for k, v in row.items()} for row in rows
    ]


def _mean(values: pd.Series) -> float | None:
    mean = values.mean()
    return None if pd.isna(mean) else float(mean)


def _printed_importance(importance: list[dict[str, Any]], ranks: list[dict[str, Any]]) -> PrintedTable:
    rank = {row["arm"]: row for row in ranks}
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "seeds": row["n_seeds"],
            "groups": number(row["n_groups"]),
            **{f"by {removal} (nats)": number(row[f"by_{removal}"]) for removal in REMOVED_BY},
            "rank with power": number(rank[row["arm"]]["neurons_rank"], 2),
            "embedding (nats)": number(row["by_embedding"]),
            "logits (nats)": number(row["by_logits"]),
            "best alone (accuracy)": number(row["alone_acc"]),
        }
        for row in importance
    ]
    return PrintedTable(
        "Largest importance of one frequency at the last checkpoint, mean over seeds.",
        rows,
        "Increase of the loss if the frequency's neurons are at their mean, zero, or those of other pairs; "
        f"zero overstates. Rank with power: do important frequencies have power in the embedding? {JUDGED}",
    )


def _printed_circuits(networks: list[dict[str, Any]]) -> PrintedTable:
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "seed": row["seed"],
            "smallest": _of(row["smallest_greedy"], row["n_groups"]),
            "random order": _of(row["smallest_random"], row["n_groups"]),
            "faithful": number(row["faithfulness"], 2),
            "complete": number(row["completeness"], 2),
            "rest (nats)": number(row["outside_together"]),
            "rest one by one (nats)": number(row["outside_single"]),
            "neurons": row["circuit_neurons"],
        }
        for row in networks
    ]
    return PrintedTable(
        f"Smallest number of frequencies that keeps {KEPT_WORDS} at the last checkpoint.",
        rows,
        f"{_understated(networks)} Faithful: share of the margin that the circuit alone has; complete: share "
        "that the network loses without it. Rest: increase of the loss without all other frequencies. "
        f"{JUDGED}",
    )


def _understated(networks: list[dict[str, Any]]) -> str:
    """Return the sentence that compares single importances with that of the set."""
    known = [row for row in networks if row["outside_together"] is not None]
    n = sum(row["outside_together"] > row["outside_single"] for row in known)
    return f"Frequencies outside cost more together than one by one in {n} of {len(known)} networks."


def _of(size: float | None, n_groups: int) -> str | None:
    return None if size is None else f"{int(size)} of {n_groups}"


def _printed_parts(parts: list[dict[str, Any]]) -> PrintedTable:
    judged = "all" if all(row["test_loss"] is None for row in parts) else "test"
    rows = [
        {
            "arm": arm_label(row["arm"]),
            "removed": row["component"] if row["component"] != "head" else f"head {row['unit']}",
            "by": row["removal"],
            "loss (nats)": number(row[f"{judged}_loss"]),
            "accuracy": decimals(row[f"{judged}_acc"], 3),
        }
        for row in parts
    ]
    return PrintedTable(
        "Loss and accuracy without heads, attention or MLP at the last checkpoint, mean over seeds.",
        rows,
        f"The first row of an arm is the network itself. {JUDGED}",
    )
