"""Summary of events: accuracy before and after, and key frequencies, by arm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.events.schema import EVENTS
from analyses.tables.labels import arm_label
from analyses.tables.long_format import groups
from analyses.tables.schema import Table
from interp.statistics.censored_times import Bounded, median_of_bounds
from training.cli.printed_table import PrintedTable

SHORT = {
    "remove_frequencies": "removal",
    "set_optimizer": "optimizer",
    "prune": "pruning",
    "freeze": "freezing",
}
"""Words for events whose names are long."""
SPREAD = (
    *("at", "test_acc_before", "test_acc_after", "lowest_test_acc", "test_acc_end", "fell_after"),
    *("test_loss_before", "test_loss_after", "test_loss_end"),
    *("n_frequencies", "n_again", "n_again_logit", "n_keys", "n_reference_keys", "n_shared"),
)
"""Columns whose median and range over seeds are summarised."""


def summarise(tables: Mapping[Table, pd.DataFrame]) -> tuple[dict[str, Any], list[PrintedTable]]:
    """Return the summary for JSON, and its printed tables."""
    events = [
        {"arm": arm, "event": int(event), "name": name} | _event(rows)
        for (arm, event, name), rows in groups(tables[EVENTS], ["arm", "event", "name"])
    ]
    printed = [_printed_accuracies(events)]
    if any(row["n_keys"] is not None for row in events):
        printed.append(_printed_frequencies(events))
    return {"events": events}, printed


def _event(rows: pd.DataFrame) -> dict[str, Any]:
    """Return one event's medians and ranges over an arm's seeds."""
    back, met = _bounded_times(rows, "back"), _bounded_times(rows, "met")
    row: dict[str, Any] = {"n_seeds": len(rows), "n_fell": len(back)}
    has_test = rows[["test_acc_before", "test_loss_before"]].notna().any(axis=1)
    row["n_met_before"] = int((has_test & rows["met_after"].isna()).sum())
    row["n_back"] = sum(number.bound == "=" for number in back)
    row["level"], row["judged_by"] = float(rows["level"].iloc[0]), rows["judged_by"].iloc[0]
    row["back_after"], row["met_after"] = _spread_of_bounds(back), _spread_of_bounds(met)
    row["reference"] = next(iter(rows["reference"].dropna()), None)
    row["n_ended"] = int((rows["until"] < rows["steps"]).sum())
    row["n_none_again"] = int((rows["n_again"] == 0).sum())
    row["n_all_again"] = int((rows["n_again"] == rows["n_frequencies"]).sum())
    return row | {name: _spread(rows[name]) for name in SPREAD}


def _bounded_times(rows: pd.DataFrame, name: str) -> list[Bounded]:
    """Return the times after which the level was met, for "met" the first time, for "back" again."""
    known = rows[rows[f"{name}_after"].notna()]
    times = zip(known[f"{name}_after"], known[f"{name}_bound"], strict=True)
    return [Bounded(float(value), bound) for value, bound in times]


def _spread(values: pd.Series) -> dict[str, float] | None:
    known = values.dropna().astype(float)
    if known.empty:
        return None
    return {"median": float(known.median()), "low": float(known.min()), "high": float(known.max())}


def _spread_of_bounds(numbers: list[Bounded]) -> dict[str, Any] | None:
    if not numbers:
        return None
    median = median_of_bounds(numbers)
    lowest, highest = (end(numbers, key=lambda number: (number.upper, number.value)) for end in (min, max))
    ends = {"median": median, "low": lowest, "high": highest}
    values = {name: number.value for name, number in ends.items()}
    return values | {f"{name}_bound": number.bound for name, number in ends.items()}


def _printed_accuracies(events: list[dict[str, Any]]) -> PrintedTable:
    rows = [
        _named(row)
        | {
            "at (steps)": _median(row["at"], "{:,.0f}"),
            "before → after": _before_and_after(row),
            "lowest": _range(row["lowest_test_acc"], "{:.3f}"),
            "fell": f"{row['n_fell']} of {row['n_met_before']}" if row["n_met_before"] else "-",
            "met after (steps)": _steps(row["back_after"] or row["met_after"]),
        }
        for row in events
    ]
    level = ", ".join(dict.fromkeys(f"{row['judged_by']} {row['level']:g}" for row in events))
    judged = " or ".join(dict.fromkeys(row["judged_by"] for row in events))
    return PrintedTable(
        f"Test {judged} around each event.",
        rows,
        f"{_fallen(events)}Before → after: at the last evaluation that does not show the event, and at the "
        "next, medians over seeds; lowest: accuracy until the end, range. Fell: networks that fell below the "
        f"level ({level}), of those that met it before the event. Met: steps from the event until these meet "
        "it again, or, if none fell, until others meet it first; median (the lower of two middle ones) and "
        "range; '>': not by the end of the training.",
    )


def _before_and_after(row: dict[str, Any]) -> str:
    score = "acc" if row["judged_by"] == "accuracy" else "loss"
    before, after = (_median(row[f"test_{score}_{when}"]) for when in ("before", "after"))
    return "-" if before == after == "-" else f"{before} → {after}"


def _fallen(events: list[dict[str, Any]]) -> str:
    """Return the sentences on arms that an event took below the level, all of whose seeds fell."""
    lines = ""
    for row in events:
        if row["n_fell"] < row["n_seeds"] or row["judged_by"] == "loss":
            continue
        lowest, steps = _range(row["lowest_test_acc"], "{:.3f}"), _steps(row["back_after"])
        lines += (
            f"{arm_label(row['arm'])}: after the {_word(row)} test accuracy falls to {lowest}, and is back "
            f"in {row['n_back']} of {row['n_seeds']} seeds, after {steps} steps.\n"
        )
    return lines


def _printed_frequencies(events: list[dict[str, Any]]) -> PrintedTable:
    rows = [
        _named(row)
        | {
            "frequencies": _counts(row["n_frequencies"]),
            "key at the end": _counts(row["n_again"]),
            "by logit map": _counts(row["n_again_logit"]),
            "all keys": _counts(row["n_keys"]),
            "shared": _shared(row),
        }
        for row in events
        if row["n_keys"] is not None
    ]
    return PrintedTable(
        "Frequencies of each event, and key frequencies at the end.",
        rows,
        f"{_regrown(events)}Medians over seeds (range). Key: of a norm of at least half of the largest in "
        "one of the event's weights or more; by logit map: in the neuron-logit map. Shared: with the key "
        "frequencies of the arm that the event reads, else of the dense one.",
    )


def _regrown(events: list[dict[str, Any]]) -> str:
    """Return the sentence on removed frequencies that may have grown again: those of removals that ended."""
    found = [
        f"{arm_label(row['arm'])}, {row['n_none_again']} of {row['n_seeds']}"
        for row in events
        if row["name"] == "remove_frequencies" and row["n_ended"] == row["n_seeds"]
    ]
    if not found:
        return ""
    return f"Seeds in which none of the removed frequencies is a key frequency again: {'; '.join(found)}.\n"


def _named(row: dict[str, Any]) -> dict[str, str]:
    return {"arm": arm_label(row["arm"]), "event": _word(row)}


def _word(row: dict[str, Any]) -> str:
    return SHORT.get(row["name"], row["name"].replace("_", " "))


def _median(spread: dict[str, float] | None, form: str = "{:.3f}") -> str:
    return "-" if spread is None else form.format(spread["median"])


def _range(spread: dict[str, float] | None, form: str) -> str:
    if spread is None:
        return "-"
    low, high = form.format(spread["low"]), form.format(spread["high"])
    return low if low == high else f"{low}–{high}"


def _counts(spread: dict[str, float] | None) -> str:
    if spread is None:
        return "-"
    median = f"{spread['median']:g}"
    return median if spread["low"] == spread["high"] else f"{median} ({_range(spread, '{:g}')})"


def _shared(row: dict[str, Any]) -> str:
    if row["n_shared"] is None:
        return "-"
    return f"{_counts(row['n_shared'])} of {_median(row['n_reference_keys'], '{:g}')}"


def _steps(spread: dict[str, Any] | None) -> str:
    if spread is None:
        return "-"
    median, low, high = (_bounded(spread, name) for name in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}–{high})"


def _bounded(spread: dict[str, Any], name: str) -> str:
    value, bound = f"{spread[name]:,.0f}", spread[f"{name}_bound"]
    return value if bound == "=" else f"{bound} {value}"
