"""Summary of the phases: alignment, spread, frequencies by arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.phases.schema import MEANS, ORDERS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import plain_means
from analyses.tables.number_text import change, number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

ALIGNED = 0.9
"""Mean cos D from which the conclusion calls an arm aligned."""
SIGNIFICANT = 0.01
"""Probability below which the conclusion rejects equal use of the frequencies."""

Row = Mapping[str, Any]


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    arms = plain_means(tables[MEANS], by=["arm"])
    aligned = _arms_where(arms, lambda row: row["mean_cos_last"] >= ALIGNED)
    even = _arms_where(arms, lambda row: row["R_1_last"] < row["rayleigh_last"])
    unequal = _arms_where(arms, lambda row: row["chi2_p_value_max"] < SIGNIFICANT)
    printed = [
        PrintedTable(
            "Phase alignment, first → last checkpoint, D = 2 × input phase − output phase; means over "
            "neurons and seeds.",
            [_alignment(row) for row in arms],
            f"Output phases are twice the input phases (mean cos D at least {ALIGNED:g}) in: {aligned}. "
            "Random phases have mean cos D 0 and mean |sin D| 0.64. Same frequency: share of neurons whose "
            "input and output weights have one frequency.",
        ),
        PrintedTable(
            "Spread of the input phases of neurons of one frequency, last checkpoint: phase orders R_1 to "
            "R_4, each a resultant length.",
            [_resultant_lengths(row) for row in arms],
            f"Input phases are spread more evenly than random ones (R_1 below the expectation) in: {even}. "
            "R_n: length of the mean of exp(i × n × phase), 0 if evenly spread, 1 if all are equal. "
            "Frequencies with one neuron are left out.",
        ),
        PrintedTable(
            "Use of the frequencies and equality of the amplitudes, last checkpoint; p: largest of seeds.",
            [_allocation(row) for row in arms],
            f"Equal use of all frequencies is rejected in every seed (χ² test p below {SIGNIFICANT:g}) in: "
            f"{unequal}. CV: standard deviation over neurons / mean of amplitudes; 0 if all are equal. "
            "Silent neurons read one frequency and write another; tied ones have several equal frequencies.",
        ),
    ]
    return {"arms": arms}, printed


def _arms_where(arms: Sequence[Row], holds: Callable[[Row], bool]) -> str:
    names = [arm_label(row["arm"]) for row in arms if holds(row)]
    return ("all arms" if len(names) == len(arms) > 1 else ", ".join(names)) or "no arm"


def _alignment(row: Row) -> dict[str, Any]:
    columns = {
        "mean cos D": "mean_cos",
        "mean |sin D|": "mean_abs_sin",
        "mean cos D by amplitude": "weighted_cos",
        "same frequency": "same_frequency",
    }
    values = {header: change(row[f"{name}_first"], row[f"{name}_last"]) for header, name in columns.items()}
    return {"arm": arm_label(row["arm"]), "seeds": row["n_seeds"]} | values


def _resultant_lengths(row: Row) -> dict[str, Any]:
    orders = {f"order R_{order}": number(row[f"R_{order}_last"]) for order in ORDERS}
    expected = {"expected for random phases (Rayleigh)": number(row["rayleigh_last"])}
    return {"arm": arm_label(row["arm"])} | orders | expected


def _allocation(row: Row) -> dict[str, Any]:
    n_frequencies = round(1 / row["same_frequency_chance_last"])
    return {
        "arm": arm_label(row["arm"]),
        "frequencies used": f"{row['n_frequencies_last']:.3g} of {n_frequencies}",
        "χ² test p": number(row["chi2_p_value_max"]),
        "CV of input": number(row["cv_input_amplitude_last"]),
        "CV of output": number(row["cv_output_amplitude_last"]),
        "dead, silent, tied": ", ".join(number(row[f"n_{kind}_last"]) for kind in ("dead", "silent", "tied")),
    }
