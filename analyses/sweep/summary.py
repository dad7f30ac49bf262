"""Printed table of the sweep: a row per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analyses.sweep.axes import Axes
from analyses.sweep.medians import bounded_text, generalised_text, time_text
from analyses.sweep.schema import CELLS
from analyses.tables.labels import field_label
from analyses.tables.long_format import records
from analyses.tables.number_text import number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

Row = Mapping[str, Any]


def printed_cells(tables: Mapping[Table, pd.DataFrame], axes: Axes) -> list[PrintedTable]:
    """Return the printed table of a sweep, ordered by its fields."""
    cells = records(tables[CELLS])
    order = {arm: place for place, arm in enumerate(_ordered(cells, axes))}
    rows = [_printed(row, axes) for row in sorted(cells, key=lambda row: order[row["arm"]])]
    title = f"Steps to generalise over {_listed([field_label(field) for field in axes.fields])}."
    return [PrintedTable(title, rows, f"{_conclusion(cells, axes)}\n{LEGEND}")]


LEGEND = (
    "Kaplan–Meier medians of t_gen over seeds; '>': fewer than half generalised within their steps. Dense / "
    "arm: ratio of t_gen of the dense arm that it is taken from; '<' and '>' are bounds."
)


def _ordered(cells: Sequence[Row], axes: Axes) -> list[str]:
    """Return the arms by panel, y, x and family."""
    fields = [*axes.panels, *([axes.y] if axes.y else []), axes.x]
    families = list(dict.fromkeys(axes.families.values()))

    def place(arm: str) -> list[tuple[bool, bool, Any]]:
        values = [axes.values[field][arm] for field in fields]
        keys = [(value is None, isinstance(value, str), value or 0) for value in values]
        return [*keys, (False, False, families.index(axes.families[arm]))]

    return sorted((row["arm"] for row in cells), key=place)


def _printed(row: Row, axes: Axes) -> dict[str, Any]:
    values = {field_label(field): _value(axes.values[field][row["arm"]]) for field in axes.fields}
    return values | {
        "arm": row["family"],
        "t_gen (steps)": time_text(row),
        "generalised": generalised_text(row),
        "dense / arm": bounded_text(row["ratio"], row["ratio_bound"], number),
        "test accuracy": number(row["test_acc"]),
    }


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:g}"


def _conclusion(cells: Sequence[Row], axes: Axes) -> str:
    """Return where each family generalises earliest, and how often it does at all."""
    sentences = []
    for family in dict.fromkeys(axes.families.values()):
        of_family = [row for row in cells if row["family"] == family]
        exact = [row for row in of_family if row["t_gen_median_bound"] == "="]
        if not exact:
            sentences.append(f"{family.capitalize()}: generalises nowhere.")
            continue
        first = min(exact, key=lambda row: row["t_gen_median"])
        at = [f"{field_label(f)} {_value(axes.values[f][first['arm']])}" for f in axes.fields]
        sentences.append(
            f"{family.capitalize()}: generalises in {len(exact)} of {len(of_family)} settings, earliest at "
            f"{_listed(at)} ({first['t_gen_median']:,.0f} steps)."
        )
    return " ".join(sentences)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
