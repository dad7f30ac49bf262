"""Norms of networks that generalise, and the spread of these norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analyses.norms.schema import ALL_ARMS, NORM_LABELS, SPREAD
from analyses.tables.long_format import groups
from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import relative_spread

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


def norms_at_landmarks(network: Network, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a network's norms on generalising and at its end.

    Parameters
    ----------
    rows : list of mapping
        The network's rows of the table of norms.

    Returns
    -------
    list of mapping
        Norms over all layers at the first checkpoint from t_gen on, if there is one, and at the last.
        `outcome` is "generalised", "never", or "unknown" for a network without metrics.
    """
    metrics = network.metrics
    t_gen = None if metrics is None else network.setting.criterion.times(metrics).t_gen.at
    path = [row for row in rows if row["layer"] == GLOBAL]
    landmarks = {"end": path[-1]}
    if t_gen is not None and path[-1]["step"] >= t_gen:
        landmarks = {"t_gen": next(row for row in path if row["step"] >= t_gen)} | landmarks
    outcome = "unknown" if metrics is None else "never" if t_gen is None else "generalised"
    return [
        {"arm": row["arm"], "seed": row["seed"], "at": at, "step": row["step"]}
        | {"outcome": outcome, "t_gen": t_gen}
        | {norm: row[norm] for norm in NORM_LABELS}
        for at, row in landmarks.items()
    ]


def spreads(ends: pd.DataFrame) -> pd.DataFrame:
    """Return the spread of each norm over generalised networks.

    Rows are for all arms together, then for the seeds of each arm. `never` and `inside` count the networks
    that never generalised, and those of them that end between the least and the largest norm; only the rows
    of the last checkpoint over all arms have them.
    """
    rows = []
    for (at,), landmark in groups(ends, ["at"]):
        generalised = landmark[landmark["outcome"] == "generalised"]
        never = landmark[landmark["outcome"] == "never"]
        sets = {ALL_ARMS: generalised} | {arm: arm_rows for (arm,), arm_rows in groups(generalised, ["arm"])}
        for arm, networks in sets.items() if len(generalised) else ():
            for norm in NORM_LABELS:
                values = networks[norm].dropna().to_numpy(dtype=float)
                if not len(values):
                    continue  # norms of kept weights, of networks without a mask
                row = {"at": at, "norm": norm, "arm": arm}
                row |= {"n": len(values), "n_arms": networks["arm"].nunique()}
                row |= {"least": values.min(), "mean": values.mean(), "largest": values.max()}
                row |= relative_spread(values) | {"never": None, "inside": None}
                if arm == ALL_ARMS and at == "end":
                    inside = never[norm].between(row["least"], row["largest"])
                    row |= {"never": len(never), "inside": int(inside.sum())}
                rows.append(row)
    return pd.DataFrame(rows, columns=SPREAD.measured_columns)
