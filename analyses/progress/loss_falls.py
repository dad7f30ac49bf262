"""Steps by which losses have fallen or risen, and the phases they mark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analyses.progress.schema import PHASES, RESTRICTED
from analyses.tables.long_format import groups
from interp.dynamics.threshold_crossings import half_decrease_step

CLEAN_UP = {"clean_up_from": 0.1, "clean_up_to": 0.9}
"""Share of the test loss' fall that is done where clean-up begins and ends."""


def phases(measures: pd.DataFrame) -> pd.DataFrame:
    """Return the ends of each network's phases.

    Memorization ends where the excluded loss is lowest. Clean-up is from the step by which a tenth of the
    test loss' fall from its highest value is done, in log loss, to the step by which nine tenths are;
    circuit formation lies between. NaN for an end that a network has not.
    """
    ends = [name for name in PHASES.measured_columns if name not in PHASES.key]
    rows = []
    for (arm, seed), curves in groups(measures, ["arm", "seed"]):
        steps = curves["step"].to_numpy()
        excluded, test = _log_loss(curves["excluded"]), _log_loss(curves["test_loss"])
        row: dict[str, Any] = {"arm": arm, "seed": seed, **dict.fromkeys(ends, np.nan)}
        if not np.isnan(excluded).all():
            row["memorised"] = steps[np.nanargmin(excluded)]
        if not np.isnan(test).all():
            highest = int(np.nanargmax(test))
            for name, fraction in CLEAN_UP.items():
                at = half_decrease_step(steps[highest:], test[highest:], fraction).at
                row[name] = np.nan if at is None else at
        rows.append(row)
    return pd.DataFrame(rows).astype(dict.fromkeys(ends, float))


def half_falls(measures: pd.DataFrame) -> list[dict[str, Any]]:
    """Return when each network's losses are half way, in log loss.

    Returns
    -------
    list of mapping
        A row per network, with the falls of its test and restricted losses and the rise of its excluded loss
        from its lowest value: the size in powers of ten (`…_moves`), and the interval of steps by which half
        is done. `…_earlier` compares it with half of the test loss' fall, and is None where either never
        moves.
    """
    return [
        _half_falls(curves) | {"arm": arm, "seed": seed}
        for (arm, seed), curves in groups(measures, ["arm", "seed"])
    ]


def _half_falls(curves: pd.DataFrame) -> dict[str, Any]:
    steps = curves["step"].to_numpy()
    losses = {"test": "test_loss"} | {name: name for name in RESTRICTED}
    falls = {name: _half_fall(steps, _log_loss(curves[loss])) for name, loss in losses.items()}
    excluded = _log_loss(curves["excluded"])
    lowest = 0 if np.isnan(excluded).all() else int(np.nanargmin(excluded))
    falls["excluded"] = _half_fall(steps[lowest:], -excluded[lowest:])
    row: dict[str, Any] = {}
    for name, fall in falls.items():
        row |= {f"{name}_{key}": value for key, value in fall.items()}
        if name != "test":
            half_steps = fall["half_step"], falls["test"]["half_step"]
            row[f"{name}_earlier"] = None if None in half_steps else half_steps[0] < half_steps[1]
    return row


def _half_fall(steps: np.ndarray, level: np.ndarray) -> dict[str, Any]:
    """Return a curve's total fall, and when half of it is done."""
    present = level[~np.isnan(level)]
    if not len(present):
        return {"moves": None, "half_after": None, "half_step": None}
    half = half_decrease_step(steps, level)
    return {"moves": present[0] - present.min(), "half_after": half.last_before, "half_step": half.at}


def _log_loss(losses: pd.Series) -> np.ndarray:
    """Return log10 of losses, NaN for a loss of 0."""
    with np.errstate(divide="ignore"):
        level = np.log10(losses.to_numpy())
    return np.where(np.isfinite(level), level, np.nan)
