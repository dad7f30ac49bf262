"""Summary of the flow tables: largest differences, drifts, blow-ups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analyses.flow.schema import CONTRAST_LABELS, COURSE_LABELS, DEVIATIONS, INVARIANTS, NETWORKS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups, records
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

PARTS = ("softmax", "steps")
"""Contrasts that add up to the whole difference."""
SYMBOLS = {"input_amplitude": ("α", ""), "output_amplitude": ("β", ""), "D": ("D", " (rad)")}
"""Symbol and unit, as a printed header has them."""
INVARIANT_SYMBOLS = {"difference": "α² − 2β²", "product": "α²β sin D"}


def summarise(tables: Mapping[Table, pd.DataFrame], until: int) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    differences = _largest(tables[DEVIATIONS], "contrast")
    drifts = _largest(tables[INVARIANTS], "course")
    networks = records(tables[NETWORKS])
    summary = {"until": until, "differences": differences, "invariants": drifts, "networks": networks}
    last = int(tables[DEVIATIONS]["step"].max())
    return summary, [
        _printed_differences(differences, last),
        _printed_drifts(drifts, last),
        _printed_blowups(networks, last),
    ]


def _largest(table: pd.DataFrame, kind: str) -> list[dict[str, Any]]:
    """Return the largest values, per arm and kind."""
    columns = [name for name in table.columns if name.endswith(("_median", "_max"))]
    return [
        {"arm": arm, kind: name, "n_seeds": rows["seed"].nunique()}
        | {column: float(rows[column].max()) for column in columns}
        for (arm, name), rows in groups(table, ["arm", kind])
    ]


def _printed_differences(differences: list[dict[str, Any]], last: int) -> PrintedTable:
    by_contrast = {row["contrast"]: row for row in differences if row["arm"] == differences[0]["arm"]}
    whole = by_contrast["flow"]
    part = by_contrast[max(PARTS, key=lambda name: by_contrast[name]["D_median"])]
    alpha, D, D_of_part = (
        f"{value:.1e}" for value in (whole["input_amplitude_median"], whole["D_median"], part["D_median"])
    )
    return PrintedTable(
        f"Largest difference between training and the decoupled flow to step {last:,}, over seeds.",
        [_printed_difference(row) for row in differences],
        f"{arm_label(whole['arm'])}: the median neuron differs by at most {alpha} in α and {D} rad in D; the "
        f"larger part in D is {CONTRAST_LABELS[part['contrast']]} ({D_of_part} rad).\n"
        "α, β: amplitudes of a neuron's input and output weights at its frequency, in units of the weights; "
        "D: misalignment, 2 × input phase − output phase. Median and largest: over the neurons. Softmax not "
        "uniform: gradient flow of the network's own loss − decoupled flow. Finite steps, float32: training "
        "− that flow. Both add up to training − flow. Clock without warm-up: shift of the flow if its time "
        "were learning rate × step in place of the sum of the learning rates.",
    )


def _printed_difference(row: dict[str, Any]) -> dict[str, Any]:
    cells = {
        "arm": arm_label(row["arm"]),
        "seeds": row["n_seeds"],
        "difference": CONTRAST_LABELS[row["contrast"]],
    }
    for name, (symbol, unit) in SYMBOLS.items():
        cells[f"{symbol} median{unit}"] = f"{row[f'{name}_median']:.1e}"
    largest = {
        f"{symbol} largest{unit}": f"{row[f'{name}_max']:.1e}"
        for name, (symbol, unit) in reversed(SYMBOLS.items())
    }
    return cells | largest


def _printed_drifts(drifts: list[dict[str, Any]], last: int) -> PrintedTable:
    by_course = {row["course"]: row for row in drifts if row["arm"] == drifts[0]["arm"]}
    rows = []
    for row in drifts:
        cells = {"arm": arm_label(row["arm"]), "course": COURSE_LABELS[row["course"]]}
        for name, symbol in INVARIANT_SYMBOLS.items():
            cells |= {f"{symbol} median": f"{row[f'{name}_median']:.1e}"}
            cells |= {f"{symbol} largest": f"{row[f'{name}_max']:.1e}"}
        rows.append(cells)
    return PrintedTable(
        f"Largest drift to step {last:,} of two quantities that the flow conserves, over seeds.",
        rows,
        f"{arm_label(drifts[0]['arm'])}: α²β sin D of the median neuron drifts by "
        f"{by_course['flow']['product_median']:.1e} of its scale in the flow and by "
        f"{by_course['trained']['product_median']:.1e} in training.\n"
        "Relative to α² + 2β² and to α²β at the start.",
    )


def _printed_blowups(networks: list[dict[str, Any]], last: int) -> PrintedTable:
    n_before = sum(row["blowup_step"] <= last for row in networks)
    return PrintedTable(
        "When the first neuron of the decoupled flow becomes infinite.",
        [
            {
                "arm": arm_label(row["arm"]),
                "seed": row["seed"],
                "time of the flow": _finite(row["blowup_time"], ".1f"),
                "step": _finite(row["blowup_step"], ".0f"),
            }
            for row in networks
        ],
        f"{n_before} of {len(networks)} networks reach this by step {last:,}; from there on nothing is "
        "compared. Time: sum of the learning rates.",
    )


def _finite(value: float, form: str) -> str:
    return f"{value:,{form}}" if np.isfinite(value) else "never"
