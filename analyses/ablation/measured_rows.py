"""Tables of networks from the removals of their checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from analyses.ablation.checkpoint_removals import CheckpointRemovals
from analyses.ablation.schema import AGREEMENT, CIRCUITS, FREQUENCIES, NETWORKS, REMOVALS, REMOVED_BY, SETS
from analyses.loading.pairs import part_starts
from analyses.tables.schema import Table
from training.inspection.trained_network import Network

KEPT_ACCURACY = 0.95
"""Accuracy that a circuit keeps."""


def network_tables(network: Network, measured: Sequence[CheckpointRemovals]) -> dict[Table, pd.DataFrame]:
    """Return the rows of one network, of every table.

    Parameters
    ----------
    measured : sequence
        Of every checkpoint, in order.
    """
    part = judged_part(network)
    removals, frequencies, agreement = [], [], []
    for step, m in zip(network.steps.tolist(), measured, strict=True):
        removals += [{"step": step} | dict(row) for row in m.rows]
        importance = _importance(m, part)
        frequencies.append(pd.DataFrame({"step": step} | importance))
        agreement.append({"step": step} | _agreement(importance))
    last = int(network.steps[-1])
    circuits = [{"step": last} | dict(row) for row in measured[-1].circuits]
    tables = {
        REMOVALS: pd.DataFrame(removals),
        FREQUENCIES: pd.concat(frequencies, ignore_index=True),
        AGREEMENT: pd.DataFrame(agreement),
        CIRCUITS: pd.DataFrame(circuits),
        SETS: pd.DataFrame([{"step": last} | dict(row) for row in measured[-1].sets]),
    }
    if circuits:
        base = next(row for row in measured[-1].rows if row["component"] == "network")
        row = {"step": last} | smallest_circuit(tables[CIRCUITS], base[f"{part}_loss"], base[f"{part}_acc"])
        tables[NETWORKS] = pd.DataFrame([row])
    names: dict[str, Any] = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
    return {table: rows.assign(**names) for table, rows in tables.items() if len(rows)}


def judged_part(network: Network) -> str:
    """Return the name of the pairs by which components are judged: test, or all of the task."""
    _, parts = part_starts(network.setting)
    return parts[-1] if parts[-1] == "test" else "all"


def _importance(measured: CheckpointRemovals, part: str) -> dict[str, Any]:
    """Return the columns of the table of frequencies, (K,) each."""
    K = len(measured.power)
    base = next(row for row in measured.rows if row["component"] == "network")[f"{part}_loss"]
    columns = {name: np.full(K, np.nan) for name in (*(f"by_{r}" for r in REMOVED_BY), "alone_acc")}
    columns |= {"by_embedding": np.full(K, np.nan), "by_logits": np.full(K, np.nan)}
    for row in measured.rows:
        component, removal, k = row["component"], row["removal"], row["unit"]
        if component == "frequency" and removal == "alone":
            columns["alone_acc"][k - 1] = row[f"{part}_acc"]
        elif component == "frequency":
            columns[f"by_{removal}"][k - 1] = row[f"{part}_loss"] - base
        elif component in ("embedding", "logits") and removal == "zero":
            columns[f"by_{component}"][k - 1] = row[f"{part}_loss"] - base
    return {
        "frequency": np.arange(1, K + 1),
        "n_neurons": measured.n_neurons,
        "power": measured.power,
    } | columns


def _agreement(importance: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the columns of the table of agreement."""
    power, own = importance["power"], importance["n_neurons"] > 0
    excess = (importance["by_zero"] - importance["by_mean"])[own]
    known = excess[~np.isnan(excess)]
    return {
        "n_groups": int(own.sum()),
        "neurons_rank": rank_correlation(power[own], importance["by_mean"][own]),
        "embedding_rank": rank_correlation(power, importance["by_embedding"]),
        "zero_excess": float(known.mean()) if len(known) else np.nan,
    }


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation; NaN for fewer than three pairs, a constant, or a missing value."""
    if len(x) < 3 or np.isnan(x).any() or np.isnan(y).any() or not (np.ptp(x) and np.ptp(y)):
        return np.nan
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def smallest_circuit(circuits: pd.DataFrame, base_loss: float, base_acc: float) -> dict[str, Any]:
    """Return the row of one network in the table of networks.

    Parameters
    ----------
    base_loss, base_acc : float
        Loss and accuracy of the whole network on the judged pairs.
    """
    by_order = {str(order): rows.sort_values("size") for order, rows in circuits.groupby("order")}
    greedy = circuits[circuits["order"] == "greedy"]
    n_groups = int(greedy["size"].max())
    row: dict[str, Any] = {"n_groups": n_groups}
    for order, rows in by_order.items():
        enough = rows[rows["kept_acc"] >= KEPT_ACCURACY] if base_acc >= KEPT_ACCURACY else rows[:0]
        row[f"smallest_{order}"] = int(enough["size"].iloc[0]) if len(enough) else None
    measures = ("circuit_neurons", "faithfulness", "completeness", "outside_single", "outside_together")
    size = row["smallest_greedy"]
    if size is None:
        return row | dict.fromkeys(measures)
    empty, circuit, full = (greedy[greedy["size"] == at].iloc[0] for at in (0, size, n_groups))
    span = full["kept_margin"] - empty["kept_margin"] or np.nan
    return row | {
        "circuit_neurons": int(circuit["n_neurons"]),
        "faithfulness": (circuit["kept_margin"] - empty["kept_margin"]) / span,
        "completeness": (full["kept_margin"] - circuit["without_margin"]) / span,
        "outside_single": full["single_sum"] - circuit["single_sum"],
        "outside_together": circuit["kept_loss"] - base_loss,
    }
