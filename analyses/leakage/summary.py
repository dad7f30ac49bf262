"""Summary of the leakage tables: ratios at each harmonic beside their limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.leakage.schema import IDEAL, SHARES, START
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, number, records
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

ENDS = ("gradient_first", "growth_second", "gradient_last", "growth_last", "weights_last")
"""Ratios of the summary, each with the checkpoint that it is taken at."""


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    shares, start, ideal = tables[SHARES], tables[START], tables[IDEAL]
    means = [
        {"arm": arm, "map": name, "harmonic": r} | _ends(rows)
        for (arm, name, r), rows in groups(shares, ["arm", "map", "harmonic"])
        if r > 1
    ]
    difference = float((start["gradient"] - start["ideal"]).abs().max())
    summary = {"ratios": means, "start_against_ideal": difference, "ideal": records(ideal)}
    n_aligned = int(shares["n_aligned"].iloc[0])
    odd = [row for row in means if row["harmonic"] % 2]
    farthest = max((abs(row["gradient_first"] - row["limit"]) for row in odd), default=float("nan"))
    printed = [
        PrintedTable(
            "Amplitude at harmonic r of a neuron's frequency relative to r = 1, mean over seeds.",
            [_printed_row(row) for row in means],
            f"At the start, the gradient at odd harmonics is within {number(farthest)} of the limit, and "
            f"every neuron's within {number(difference)} of an ideal neuron of its phases.\n"
            f"Medians of the {n_aligned} neurons of smallest initial |D| (aligned). Limit: an ideal aligned "
            "neuron as p grows. First growth: change of the weights up to the second checkpoint.",
        ),
        PrintedTable(
            "Growth of the weights to the last checkpoint at harmonic r, relative to r = 1.",
            [
                {"arm": arm_label(row["arm"]), "map": row["map"], "r": row["harmonic"]}
                | {"limit": number(row["limit"]), "last growth": number(row["growth_last"])}
                for row in means
            ],
            details=True,
        ),
        PrintedTable(
            "Ideal aligned neuron: largest distance of any harmonic's ratio from its limit.",
            [
                {"residues p": row["p"], "map": row["map"], "harmonics": row["n_harmonics"]}
                | {"at harmonic": row["harmonic"], "distance": number(row["error"])}
                for row in records(ideal)
            ],
            "The distance shrinks as p grows: the limits are those of large p.",
        ),
    ]
    return summary, printed


def _ends(rows: pd.DataFrame) -> dict[str, Any]:
    """Return means over seeds at the start, up to the second checkpoint, and at the end."""
    steps = sorted(rows["step"].unique())
    step_of = {"first": steps[0], "second": steps[min(1, len(steps) - 1)], "last": steps[-1]}
    ratios = {}
    for name in ENDS:
        column, _, end = name.partition("_")
        ratios[name] = float(rows.loc[rows["step"] == step_of[end], column].mean())
    return {"n_seeds": rows["seed"].nunique(), "limit": float(rows["limit"].iloc[0])} | ratios


def _printed_row(row: Mapping[str, Any]) -> dict[str, Any]:
    titles = {
        "limit": "limit",
        "gradient_first": "first gradient",
        "growth_second": "first growth",
        "weights_last": "last weights",
    }
    ratios = {title: number(row[name]) for name, title in titles.items()}
    return {"arm": arm_label(row["arm"]), "map": row["map"], "r": row["harmonic"]} | ratios
