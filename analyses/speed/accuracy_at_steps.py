"""Test accuracy at fixed steps, of tickets and their sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.outcomes import Curves
from analyses.speed.schema import SOURCES
from analyses.tables.long_format import groups
from training.inspection.trained_network import Network

FEWEST_TICKETS = 4
"""Least number of tickets of one source, taken at different steps, for a rank correlation."""


def accuracy_at(curve: pd.DataFrame, step: int) -> float | None:
    """Return the test accuracy at a step, or None.

    It is that of the last evaluation up to the step; None if training ended before.
    """
    if curve["step"].iloc[-1] < step:
        return None
    return float(curve.loc[curve["step"] <= step, "test_acc"].iloc[-1])


def accuracies_at_steps(curves: Curves, steps: Iterable[int]) -> pd.DataFrame:
    """Return a row per arm, seed and step."""
    rows = [
        {"arm": arm, "seed": seed, "step": step, "test_acc": accuracy_at(curve, step)}
        for (arm, seed), curve in curves.items()
        for step in dict.fromkeys(steps)
    ]
    return pd.DataFrame(rows).astype({"test_acc": float})


def mask_sources(networks: Sequence[Network], curves: Curves) -> pd.DataFrame:
    """Return source and step of every magnitude ticket's mask.

    `source_acc` is the source's test accuracy at that step.

    Raises
    ------
    RunError
        If a network's record is damaged.
    """
    rows = []
    for network in networks:
        source: dict[str, Any] = (network.files.done() or {}).get("source") or {}
        curve = curves.get((source.get("arm", ""), network.seed))
        if network.recipe.arms[network.arm].method == "magnitude" and curve is not None and "step" in source:
            row = {"arm": network.arm, "seed": network.seed, "source": source["arm"]}
            accuracy = accuracy_at(curve, source["step"])
            rows.append(row | {"source_step": source["step"], "source_acc": accuracy})
    return pd.DataFrame(rows, columns=[column.name for column in SOURCES.columns if not column.role_of])


def rank_correlations(sources: pd.DataFrame, accuracies: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rank correlations of tickets' accuracies with their source's.

    Spearman's correlation; the source's accuracy is that at the step of the mask. A row per source, step and
    seed, and one of all seeds pooled (`seed` None). There is none for a source from which fewer than four
    tickets were taken at different steps. The correlation is None if either side is constant or fewer than
    three tickets were trained for so long.
    """
    rows = []
    for (source,), tickets in groups(sources, ["source"]):
        if tickets.groupby("seed")["source_step"].nunique().max() < FEWEST_TICKETS:
            continue
        points = tickets.merge(accuracies, on=["arm", "seed"]).dropna(subset=["source_acc", "test_acc"])
        for step in accuracies["step"].unique():
            at_step = points[points["step"] == step]
            for seed in [*sorted(tickets["seed"].unique()), None]:
                chosen = at_step if seed is None else at_step[at_step["seed"] == seed]
                row = {"source": source, "step": int(step), "seed": seed, "n": len(chosen)}
                rows.append(row | {"spearman": _spearman(chosen["source_acc"], chosen["test_acc"])})
    return rows


def _spearman(x: pd.Series, y: pd.Series) -> float | None:
    from scipy.stats import spearmanr

    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(spearmanr(x, y).statistic)
