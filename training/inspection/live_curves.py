"""Curves of a run while it is trained, as text."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from training.cli.printed_table import PrintedTable
from training.cli.redrawn import print_until_finished
from training.config.recipe import Recipe
from training.config.settings import Criterion
from training.inspection.run import Run
from training.runs.arm_directory import ArmDir

WIDTH = 40
"""Characters of a curve."""
LEVELS = "▁▂▃▄▅▆▇█"
"""Characters of a curve's values, from 0 to 1."""
FINISHED = ("done", "skipped", "adopted")


def watch(run: Run, every: float, repeat: bool, verbose: bool = False) -> None:
    """Print a run's curves, again and again until it is finished.

    Only files are read, and none is locked: training goes on undisturbed. What is printed is what training
    has saved, which it does every 20 seconds.

    Parameters
    ----------
    every : float
        Seconds between two looks.
    repeat : bool
        False: print once.
    verbose : bool
        Print all columns.
    """

    def look() -> tuple[str, bool]:
        table, is_finished = curves_table(run)
        return table.text(verbose), is_finished

    print_until_finished(look, every, repeat)


def curves_table(run: Run) -> tuple[PrintedTable, bool]:
    """Return a row per network, and whether all are finished."""
    recipe = run.recipe
    networks = run.arm_dirs()
    last = max((arm.max_steps for arm in recipe.arms.values()), default=1)
    first = min(recipe.measure.eval_every, last)
    rows = [_row(files, recipe, run.trained_here, (first, last)) for files in networks]
    n_finished = sum(row["state"] in FINISHED for row in rows)
    saved = [row.pop("_saved") for row in rows]
    latest = max(filter(None, saved), default=None)
    conclusion = f"{n_finished} of {len(rows)} networks finished."
    if latest is not None and n_finished < len(rows):
        conclusion += f" Last saved {max(0.0, time.time() - latest):,.0f} s ago."
    axis = f"Curve: test accuracy from 0 (▁) to 1 (█) over steps {first:,} to {last:,}, logarithmic."
    title = f"Training of {recipe.name}: state and accuracy of each network."
    return PrintedTable(title, rows, f"{conclusion}\n{axis}"), n_finished == len(rows)


def _row(files: ArmDir, recipe: Recipe, trained_here: bool, steps: tuple[int, int]) -> dict[str, Any]:
    """Return a network's state, curve and times so far."""
    path = files.path / "metrics.parquet"
    row: dict[str, Any] = {"arm": files.arm, "seed": files.seed, "state": _state(files, trained_here)}
    row |= {"step": None, "test accuracy": "", "memorised (step)": None, "generalised (step)": None}
    row |= {"last train accuracy": None, "last test accuracy": None, "_saved": None}
    if not path.exists():
        return row
    criterion: Criterion = recipe.setting(files.arm).criterion
    metrics = files.metrics("train_acc", "test_acc", measured=criterion.train)
    saved = path.stat().st_mtime
    times, last = criterion.times(metrics), metrics.iloc[-1]
    return row | {
        "step": f"{int(last['step']):,}",
        "test accuracy": text_curve(metrics["step"].to_numpy(), metrics["test_acc"].to_numpy(), *steps),
        "memorised (step)": _step_text(times.t_mem.at),
        "generalised (step)": _step_text(times.t_gen.at),
        "last train accuracy": _share_text(last["train_acc"]),
        "last test accuracy": _share_text(last["test_acc"]),
        "_saved": saved,
    }


def _state(files: ArmDir, trained_here: bool) -> str:
    if not trained_here:
        return "adopted"
    if files.done() is not None:
        return "done"
    if files.skipped() is not None:
        return "skipped"
    return "training" if files.has_state() else "waiting"


def text_curve(step: np.ndarray, value: np.ndarray, first: int, last: int, width: int = WIDTH) -> str:
    """Return a curve as a line of blocks over a logarithmic axis of steps.

    Parameters
    ----------
    step, value : array
        (n,) each; steps ascend, values are from 0 to 1. Each character is the last value at or before the
        end of its part of the axis; before the first value and after the last step it is a space.
    first, last : int
        Ends of the axis, 1 at least.
    width : int
        Number of characters.

    Returns
    -------
    str
        Without spaces at its end.

    Examples
    --------
    >>> text_curve(np.array([1, 10, 100]), np.array([0.0, 0.5, 1.0]), 1, 1000, width=4)
    '▁▅█'
    """
    edges = np.geomspace(max(first, 1), max(last, first, 1), width)
    line = []
    for edge in edges:
        row = int(np.searchsorted(step, edge * (1 + 1e-9), side="right")) - 1
        is_shown = row >= 0 and np.isfinite(value[row]) and edge <= _next_edge(edges, float(step[-1]))
        level = min(int(value[row] * len(LEVELS)), len(LEVELS) - 1) if is_shown else None
        line.append(" " if level is None else LEVELS[level])
    return "".join(line).rstrip()


def _next_edge(edges: np.ndarray, step: float) -> float:
    """Return the end of the part of the axis that holds a step."""
    reached = edges[edges >= step * (1 - 1e-9)]
    return float(reached[0]) if len(reached) else float(edges[-1])


def _step_text(step: int | None) -> str | None:
    return None if step is None else f"{step:,}"


def _share_text(value: float) -> str | None:
    return None if np.isnan(value) else f"{value:.3f}"
