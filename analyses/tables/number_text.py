"""Numbers, steps and short lists as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with significant digits; '-' for a missing one."""
    if value is None or value != value:
        return "-"
    if value != 0 and (abs(value) >= 10_000 or abs(value) < 1e-3):
        return f"{value:.{digits - 2}e}"
    places = max(0, digits - 1 - int(np.floor(np.log10(abs(value))))) if value else digits - 1
    return f"{value:.{min(places, digits)}f}"


def decimals(value: float, places: int = 2) -> str:
    """Return a number with fixed decimals; '-' for a missing one.

    Examples
    --------
    >>> decimals(0.8349), decimals(0.0, 3), decimals(float("nan"))
    ('0.83', '0.000', '-')
    """
    return "-" if value != value else f"{value:.{places}f}"


def change(first: float, last: float) -> str:
    """Return two numbers as text: first → last."""
    if first != first and last != last:
        return "-"
    return f"{number(first)} → {number(last)}"


def step_range(steps: Sequence[int | None]) -> str:
    """Return the range of several seeds' steps, and how many seeds have none."""
    reached = sorted(step for step in steps if step is not None)
    if not reached:
        return "never"
    text = f"{reached[0]:,}" if reached[0] == reached[-1] else f"{reached[0]:,}–{reached[-1]:,}"
    n_missing = len(steps) - len(reached)
    return f"{text} ({n_missing} never)" if n_missing else text


def whole_ranges(numbers: Sequence[int]) -> str:
    """Return ascending whole numbers as text, neighbours as a range.

    Examples
    --------
    >>> whole_ranges([1, 2, 3, 7, 9, 10])
    '1–3 7 9 10'
    """
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return " ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else " ".join(map(str, run)) for run in runs)


def few(entries: Sequence[int], of: int, most: int = 6) -> str:
    """Return a short list in full, a long one by its length in parentheses."""
    return " ".join(map(str, entries)) or "none" if len(entries) <= most else f"({len(entries)} of {of})"
