"""Summary of the stages: ends of the stages, classes of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.stages.schema import ENDS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import records
from analyses.tables.number_text import number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

Row = Mapping[str, Any]


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    rows = records(tables[ENDS])
    n, level = len(rows), f"{rows[0]['threshold']:g}"
    ended = sum(not pd.isna(row["stage_2_end"]) for row in rows)
    generalised = sum(row["test_true"] >= row["threshold"] for row in rows)
    printed = [
        PrintedTable(
            "Ends of the first two stages of grokking, in steps: (last below, first at] the threshold.",
            [_stage_ends(row) for row in rows],
            f"Stage 1 ends when train accuracy reaches {level}, stage 2 when test accuracy does: so far in "
            f"{ended} of {n} networks. In stage 3 weight decay shrinks the weights, whose norm has its "
            "peak near the end of stage 2.",
        ),
        PrintedTable(
            "Pairs by the orders in which they are trained on: step at which they are memorised, and "
            "accuracy.",
            [_pair_classes(row) for row in rows],
            "A network that adds its inputs knows (y, x) once it has memorised (x, y), so without any "
            "generalisation its test accuracy is the plateau: the share of test pairs whose other order is "
            f"trained on. Pairs of neither order show generalisation: accuracy of at least {level} in "
            f"{generalised} of {n} networks.",
        ),
    ]
    return {"networks": rows}, printed


def _stage_ends(row: Row) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "stage 1 ends (steps)": row["stage_1_end_interval"],
        "stage 2 ends (steps)": row["stage_2_end_interval"],
        "norm peaks (step)": row["norm_peak_step"],
    }


def _pair_classes(row: Row) -> dict[str, Any]:
    return {
        "arm": arm_label(row["arm"]),
        "seed": row["seed"],
        "both orders (steps)": row.get("common_interval", "-"),
        "one order (steps)": row.get("rare_interval", "-"),
        "plateau": number(row["plateau"], 4),
        "test accuracy": number(row["test_acc"], 4),
        "neither order": number(row["test_true"]),
    }
