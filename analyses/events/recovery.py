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
    """Return the scores around an event, and when the network fell below the level and was back.

    An evaluation at step `at` shows the network as it was. The network can be back only if it met the level
    before the event.

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
    row |= {"fell_after": None, "back_after": None, "back_bound": None}
    if not (len(before) and criterion.met(before[criterion.test].iloc[-1])):
        return row
    known = after[after[criterion.test].notna()]
    steps = known["step"].to_numpy()
    is_met = np.array([criterion.met(value) for value in known[criterion.test]], dtype=bool)
    if is_met.all():
        return row
    fell = int(np.argmin(is_met))
    is_back = is_met[fell:].any()
    back = fell + int(np.argmax(is_met[fell:])) if is_back else -1
    row |= {"fell_after": int(steps[fell]) - at, "back_after": int(steps[back]) - at}
    return row | {"back_bound": "=" if is_back else ">"}
