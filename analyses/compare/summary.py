"""Printed table of the comparison: a row per run and arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analyses.compare.schema import COMPARE
from analyses.sweep.medians import generalised_text, time_text
from analyses.tables.labels import arm_label
from analyses.tables.long_format import records
from analyses.tables.number_text import number
from analyses.tables.schema import Table
from training.cli.printed_table import PrintedTable

if TYPE_CHECKING:
    import pandas as pd

    from analyses.compare.chosen_runs import ChosenRun


def printed_arms(tables: Mapping[Table, pd.DataFrame], runs: Sequence[ChosenRun]) -> list[PrintedTable]:
    """Return the printed table of the arms of all runs."""
    rows = records(tables[COMPARE])
    printed = [
        {
            "run": row["run"],
            "arm": arm_label(row["arm"]),
            "role": row["arm_role"],
            "t_mem (steps)": time_text(row, "t_mem"),
            "t_gen (steps)": time_text(row),
            "generalised": generalised_text(row),
            "test accuracy": number(row["test_acc"]),
        }
        for row in rows
    ]
    return [
        PrintedTable(
            f"Steps at which the arms of {len(runs)} runs memorised (t_mem) and generalised (t_gen).",
            printed,
            f"{_earliest(rows, runs)}{_other_tasks(runs)}\n"
            "Kaplan–Meier medians over seeds; '>': fewer than half got there. The saved table also has the "
            "fields in which arms differ.",
        )
    ]


def _earliest(rows: Sequence[Mapping[str, Any]], runs: Sequence[ChosenRun]) -> str:
    """Return each run's earliest arm."""
    words = []
    for run in runs:
        exact = [row for row in rows if row["run"] == run.name and row["t_gen_median_bound"] == "="]
        if exact:
            first = min(exact, key=lambda row: row["t_gen_median"])
            words.append(f"{run.name}: {arm_label(first['arm'])} ({first['t_gen_median']:,.0f} steps)")
        else:
            words.append(f"{run.name}: none")
    return f"Earliest to generalise. {'; '.join(words)}."


def _other_tasks(runs: Sequence[ChosenRun]) -> str:
    """Return a sentence if runs learn other tasks."""
    tasks = [run.tasks() for run in runs]
    if all(of_run == tasks[0] for of_run in tasks):
        return ""
    words = [f"{run.name}: {', '.join(of_run)}" for run, of_run in zip(runs, tasks, strict=True)]
    return f" The tasks differ, so times are of different problems. {'; '.join(words)}."
