"""Curve of one network before and after an event."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from training.config.settings import Criterion

SCORES = ("train_acc", "test_acc", "train_loss", "test_loss")
"""Columns of metrics that are read before and after an event."""


def evaluations(metrics: pd.DataFrame, criterion: Criterion) -> pd.DataFrame:
    """Return the evaluations at which the criterion was measured; absent scores are missing."""
    measured = metrics[metrics[criterion.train].notna()]
    return measured.reindex(columns=["step", *SCORES]).reset_index(drop=True)


def recovery(rows: pd.DataFrame, at: int, criterion: Criterion) -> dict[str, Any]:
    """Return the scores around an event, and when the level was lost or met.

    An evaluation at step `at` shows the network as it was. A network that met the level there may fall and be
    back; one that did not may meet it for the first time.

    Parameters
    ----------
    rows : DataFrame
        As from `evaluations`.
    at : int
        Updates done when the event began.
    criterion : Criterion
        Curve and level.
    """
    before, after = rows[rows["step"] <= at], rows[rows["step"] > at]
    row: dict[str, Any] = {"steps": int(rows["step"].iloc[-1])}
    for when, chosen in (("before", before[-1:]), ("after", after[:1]), ("end", rows[-1:])):
        row |= {f"{name}_{when}": float(chosen[name].iloc[0]) if len(chosen) else np.nan for name in SCORES}
    row["lowest_test_acc"] = float(after["test_acc"].min())
    return row | _level_columns(before, after, at, criterion)


def _level_columns(
    before: pd.DataFrame, after: pd.DataFrame, at: int, criterion: Criterion
) -> dict[str, Any]:
    """Return when the level was lost, met again, or met for the first time."""
    times = ("fell_after", "back_after", "back_bound", "met_after", "met_bound")
    row: dict[str, Any] = dict.fromkeys(times)
    known = after[after[criterion.test].notna()]
    if known.empty:
        return row
    steps = known["step"].to_numpy() - at
    is_met = np.array([criterion.met(value) for value in known[criterion.test]])
    if any(criterion.met(value) for value in before[criterion.test][-1:]):
        if not is_met.all():
            fell = int(np.argmin(is_met))
            row["fell_after"] = int(steps[fell])
            row["back_after"], row["back_bound"] = _first(steps[fell:], is_met[fell:])
    else:
        row["met_after"], row["met_bound"] = _first(steps, is_met)
    return row


def _first(steps: np.ndarray, is_met: np.ndarray) -> tuple[int, str]:
    """Return the first step that meets the level, or the last as a bound."""
    return (int(steps[np.argmax(is_met)]), "=") if is_met.any() else (int(steps[-1]), ">")
