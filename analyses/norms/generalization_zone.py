"""Where networks are in L1 and L2 once they generalise, how wide the zone is, and who ends outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from analyses.tables.long_format import arm_words, groups, number, records
from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import relative_spread
from training.cli.parser import format_table

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

NORMS = {"l1": "L1, all weights", "l2": "L2, all weights", "kept_l1": "L1, kept", "kept_l2": "L2, kept"}
READINGS = [("kept_l2", "kept_l1"), ("kept_l2", "l1"), ("l2", "l1")]
"""Pairs of an L2 and an L1 norm whose spreads are compared."""
ALL_ARMS = "all"
"""Under which the spread over the networks of every arm stands."""
COLUMNS = ["at", "norm", "arm", "n", "n_arms", "least", "mean", "largest"]
COLUMNS += ["log_sd", "cv", "max_over_min", "never", "inside"]


def milestones(network: Network, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Norms over all layers at the first checkpoint from t_gen on, if it has one, and at the last.

    `outcome` is "generalised", "never", or "unknown" for a network without metrics.
    """
    metrics = network.metrics()
    t_gen = None if metrics is None else network.setting.criterion.times(metrics).t_gen.at
    path = [row for row in rows if row["layer"] == GLOBAL]
    moments = {"end": path[-1]}
    if t_gen is not None and path[-1]["step"] >= t_gen:
        moments = {"t_gen": next(row for row in path if row["step"] >= t_gen)} | moments
    outcome = "unknown" if metrics is None else "never" if t_gen is None else "generalised"
    found = []
    for at, row in moments.items():
        found.append({"arm": row["arm"], "seed": row["seed"], "at": at, "step": row["step"]})
        found[-1] |= {"outcome": outcome, "t_gen": t_gen} | {name: row[name] for name in NORMS}
    return found


def spreads(reached: pd.DataFrame) -> pd.DataFrame:
    """Per moment and norm, how far the generalised networks lie apart: of all arms, and of each arm's seeds.

    `never` is the number of networks that never generalised, `inside` how many of them end between the least
    and the largest norm of those that did; both stand at the end and for all arms alone.
    """
    rows = []
    for (at,), moment in groups(reached, ["at"]):
        generalised = moment[moment["outcome"] == "generalised"]
        never = moment[moment["outcome"] == "never"]
        sets = {ALL_ARMS: generalised} | {arm: own for (arm,), own in groups(generalised, ["arm"])}
        for arm, own in sets.items() if len(generalised) else ():
            for name in NORMS:
                norms = own[name].to_numpy()
                row = {"at": at, "norm": name, "arm": arm, "n": len(norms), "n_arms": own["arm"].nunique()}
                row |= {"least": norms.min(), "mean": norms.mean(), "largest": norms.max()}
                row |= relative_spread(norms) | {"never": None, "inside": None}
                if arm == ALL_ARMS and at == "end":
                    inside = never[name].between(row["least"], row["largest"])
                    row |= {"never": len(never), "inside": int(inside.sum())}
                rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)


def comparisons(spread: pd.DataFrame) -> list[dict[str, Any]]:
    """Networks that generalised, at their end: is the spread of L2 smaller than that of L1, and by how much?

    "Many L1, one L2" may speak of all weights or of the kept ones, so each reading has its row; there is
    none for fewer than two networks.
    """
    pooled = spread[(spread["at"] == "end") & (spread["arm"] == ALL_ARMS) & (spread["n"] > 1)]
    own = {row["norm"]: row for row in records(pooled)}
    rows = []
    for l2, l1 in READINGS if own else ():
        row: dict[str, Any] = {"l2": l2, "l1": l1, "n": own[l2]["n"], "n_arms": own[l2]["n_arms"]}
        for name in ("log_sd", "cv", "max_over_min"):
            row |= {f"l2_{name}": own[l2][name], f"l1_{name}": own[l1][name]}
        rows.append(row | {"smaller": "l2" if row["l2_log_sd"] < row["l1_log_sd"] else "l1"})
    return rows


def show(reached: pd.DataFrame, spread: pd.DataFrame) -> str:
    """As it is printed."""
    text = [
        "Norms over all layers, mean over seeds; kept: by the arm's mask, or a dense arm's magnitude mask"
    ]
    text += ["at the recipe's sparsity (when generalised: the first checkpoint from t_gen on):"]
    text.append(format_table([_shown(own) for _, own in groups(reached, ["arm", "outcome", "at"])]))
    pooled = spread[spread["arm"] == ALL_ARMS]
    if len(pooled):
        text += ["", "Spread over the networks that generalised, of all arms and seeds:"]
        text.append(format_table([_shown_spread(row) for row in records(pooled)]))
    compared = comparisons(spread)
    if compared:
        n, n_arms = compared[0]["n"], compared[0]["n_arms"]
        text += ["", f"SD of log at the end, over {n} networks of {n_arms} arms that generalised:"]
    for row in compared:
        sign = "<" if row["smaller"] == "l2" else "≥"
        l2, l1 = (f"{NORMS[row[q]]} {number(row[f'{q}_log_sd'])}" for q in ("l2", "l1"))
        text.append(f"  {l2} {sign} {l1}")
    return "\n".join(text)


def _shown(own: pd.DataFrame) -> dict[str, Any]:
    first = own.iloc[0]
    row = {"arm": arm_words(first["arm"]), "outcome": first["outcome"], "at": first["at"], "seeds": len(own)}
    return row | {shown: _norm(own[name].mean()) for name, shown in NORMS.items()}


def _norm(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else number(value)


def _shown_spread(row: dict[str, Any]) -> dict[str, Any]:
    shown = {"at": row["at"], "norm": NORMS[row["norm"]], "n": row["n"]}
    shown |= {"least": _norm(row["least"]), "largest": _norm(row["largest"])}
    names = {"max_over_min": "ratio", "log_sd": "SD of log", "cv": "CV"}
    shown |= {words: number(row[name]) for name, words in names.items()}
    inside = f"{row['inside']:.0f} of {row['never']:.0f}" if pd.notna(row["never"]) else "-"
    return shown | {"never generalised, inside": inside}
