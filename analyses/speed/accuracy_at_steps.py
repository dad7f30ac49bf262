"""Test accuracy at fixed steps, and whether a ticket's goes with that of the network it was taken from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.outcomes import Curves
from analyses.loading.trained_network import Network
from analyses.tables.long_format import groups

FEWEST_TICKETS = 4
"""Tickets taken from one network at so many different steps make a rank correlation worth a look."""


def accuracy_at(curve: pd.DataFrame, step: int) -> float | None:
    """Test accuracy at the last evaluation up to a step; None if the network was not trained for so long."""
    if curve["step"].iloc[-1] < step:
        return None
    return float(curve.loc[curve["step"] <= step, "test_acc"].iloc[-1])


def fixed_steps(curves: Curves, steps: Sequence[int]) -> pd.DataFrame:
    """A row per arm, seed and step."""
    rows = [
        {"arm": arm, "seed": seed, "step": step, "test_acc": accuracy_at(curve, step)}
        for (arm, seed), curve in curves.items()
        for step in steps
    ]
    return pd.DataFrame(rows).astype({"test_acc": float})


def taken_from(networks: Sequence[Network], curves: Curves) -> pd.DataFrame:
    """A row per magnitude ticket and seed: its source, the step of its mask, the accuracy there.

    Raises
    ------
    RunError
        If a network's record is damaged.
    """
    columns = ["arm", "seed", "source", "source_step", "source_acc"]
    rows = []
    for network in networks:
        source: dict[str, Any] = (network.files.done() or {}).get("source") or {}
        curve = curves.get((source.get("arm", ""), network.seed))
        if network.recipe.arms[network.arm].method == "magnitude" and curve is not None and "step" in source:
            accuracy = accuracy_at(curve, source["step"])
            at = (network.arm, network.seed, source["arm"], source["step"], accuracy)
            rows.append(dict(zip(columns, at, strict=True)))
    return pd.DataFrame(rows, columns=columns)


def rank_correlations(sources: pd.DataFrame, accuracies: pd.DataFrame) -> list[dict[str, Any]]:
    """Spearman's correlation of a ticket's accuracy at a step with its source's where the mask was taken.

    A row per source, step and seed, and one of all seeds pooled (`seed` None); none for a source from which
    fewer than four tickets were taken at different steps. It is None where either side is constant or fewer
    than three tickets were trained for so long.
    """
    rows = []
    for (source,), own in groups(sources, ["source"]):
        if own.groupby("seed")["source_step"].nunique().max() < FEWEST_TICKETS:
            continue
        points = own.merge(accuracies, on=["arm", "seed"]).dropna(subset=["source_acc", "test_acc"])
        for step in accuracies["step"].unique():
            at_step = points[points["step"] == step]
            for seed in [*sorted(own["seed"].unique()), None]:
                chosen = at_step if seed is None else at_step[at_step["seed"] == seed]
                row = {"source": source, "step": int(step), "seed": seed, "n": len(chosen)}
                rows.append(row | {"spearman": _spearman(chosen["source_acc"], chosen["test_acc"])})
    return rows


def _spearman(x: pd.Series, y: pd.Series) -> float | None:
    from scipy.stats import spearmanr

    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(spearmanr(x, y).statistic)
