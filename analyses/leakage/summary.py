"""Summary of the leakage tables: ratios of trained and of ideal neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.leakage.schema import IDEAL, NEAR, SHARES, START
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, records
from analyses.tables.number_text import decimals, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

PRINTED = {
    "limit": "limit",
    "gradient_first": "gradient at start",
    "growth_second": "growth at start",
    "weights_last": "weights at end",
    "gradient_last": "gradient at end",
    "growth_last": "growth at end",
}
"""Headers of the ratios, the most important first."""


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    shares, start, ideal = tables[SHARES], tables[START], records(tables[IDEAL])
    ratios = [
        {"arm": arm, "map": name, "harmonic": r} | _ratios_by_time(rows)
        for (arm, name, r), rows in groups(shares, ["arm", "map", "harmonic"])
        if r > 1
    ]
    error = float((start["gradient"] - start["ideal"]).abs().max())
    summary = {"ratios": ratios, "start_against_ideal": error, "ideal": ideal}
    n_aligned = int(shares["n_aligned"].iloc[0])
    return summary, [_printed_ratios(ratios, n_aligned), _printed_ideal(ideal, error)]


def _ratios_by_time(rows: pd.DataFrame) -> dict[str, Any]:
    """Return means over seeds at the first, second and last checkpoint."""
    steps = sorted(rows["step"].unique())
    step_of = {"first": steps[0], "second": steps[min(1, len(steps) - 1)], "last": steps[-1]}
    means = {}
    for name in ("gradient_first", "growth_second", "gradient_last", "growth_last", "weights_last"):
        column, _, time = name.partition("_")
        means[name] = float(rows.loc[rows["step"] == step_of[time], column].mean())
    return {"n_seeds": rows["seed"].nunique(), "limit": float(rows["limit"].iloc[0])} | means


def _printed_ratios(ratios: list[dict[str, Any]], n_aligned: int) -> PrintedTable:
    rows = [
        {"arm": arm_label(row["arm"]), "map": row["map"], "r": row["harmonic"]}
        | {header: decimals(row[name], 3) for name, header in PRINTED.items()}
        for row in ratios
    ]
    at_start, at_end = (
        decimals(max(abs(row[name] - row["limit"]) for row in ratios), 3)
        for name in ("gradient_first", "weights_last")
    )
    return PrintedTable(
        "Amplitude at r times a neuron's frequency over that at its frequency, of aligned ReLU neurons.",
        rows,
        f"The gradient at the start is within {at_start} of the limit at all harmonics r, the weights at the "
        f"end within {at_end}.\n"
        f"Aligned: the {n_aligned} neurons of least |D| at the start, D = 2 × input phase − output phase; "
        "medians over them, means over seeds. Limit: gradient of a neuron with D = 0 and one frequency, for "
        "large p. Growth: change of the weights between the first two checkpoints (start) or the last two "
        "(end).",
    )


def _printed_ideal(ideal: list[dict[str, Any]], error: float) -> PrintedTable:
    """Return the table of the ideal neuron, with the gradient's error at the start."""
    too_small = [row["p"] for row in ideal if row["error"] > NEAR]
    large = [row["p"] for row in ideal if row["p"] > max(too_small, default=0)]
    from_p = f"from p = {min(large)} on" if large else "at none of these p"
    return PrintedTable(
        "Largest distance of an ideal aligned neuron from the limit, over harmonics and phases.",
        [
            {
                "p": row["p"],
                "map": row["map"],
                "harmonics": row["n_harmonics"],
                "distance": number(row["error"]),
                "at harmonic": row["harmonic"],
            }
            for row in ideal
        ],
        f"The ideal neuron is within {NEAR:g} of the limit {from_p}. At the start, the gradient of every "
        f"trained neuron is within {number(error)} of an ideal neuron's with its phases at its p.",
    )
