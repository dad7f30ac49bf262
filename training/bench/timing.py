"""Timed rounds of several contestants, each with a share of the time.

All are timed in one process, in turn, round by round, so that a change of the machine's load meets all of
them. A contestant has so many seconds a round, not so many calls: a slow one is called once.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Contestant:
    """Call to be timed, and the number of steps it makes."""

    call: Callable[[], object]
    steps: int = 1


@dataclass(frozen=True)
class Spread:
    """Median of some rounds with their quartiles, or their range.

    Examples
    --------
    >>> Spread.of([4.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=4.0, rounds=3)
    >>> Spread.of([1.0, 2.0, 3.0, 4.0, 5.0]).text()
    '3.0 (1.5–4.5)'
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of a value of every round: the range for fewer than five rounds."""
        low, high = min(values), max(values)
        if len(values) >= 5:
            low, _, high = statistics.quantiles(values, n=4)
        return cls(statistics.median(values), low, high, len(values))

    def text(self) -> str:
        """Return both with two digits."""
        return spread_text(self.median, self.low, self.high)


def spread_text(median: float, low: float, high: float) -> str:
    """Return a median with its spread in parentheses."""
    return f"{digits(median)} ({digits(low)}–{digits(high)})"


def digits(value: float) -> str:
    """Return a number with two digits, or all of those before the point.

    Examples
    --------
    >>> digits(0.01234), digits(7.04), digits(1234.5), digits(-210.0)
    ('0.012', '7.0', '1,234', '-210')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.2g}".rstrip(".")


def seconds_per_step(
    contestants: Mapping[str, Contestant], rounds: int, seconds: float, device: str = "cpu"
) -> dict[str, list[float]]:
    """Return the seconds of a step in every round, by contestant.

    One more round goes first and is not counted: it warms caches and allocators.

    Parameters
    ----------
    seconds : float
        Time of a contestant in a round, at least; one call is made in any case.
    """
    measured: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name, contestant in contestants.items():
            took = timed(contestant.call, seconds, device) / contestant.steps
            if round_ > 0:
                measured[name].append(took)
    return measured


def timed(call: Callable[[], object], seconds: float, device: str = "cpu") -> float:
    """Return the mean seconds of a call, repeated for so long."""
    calls = 0
    synchronize(device)
    begun = time.perf_counter()
    while calls == 0 or time.perf_counter() - begun < seconds:
        call()
        calls += 1
        if device != "cpu":  # a GPU's queue would take calls long after the time is up
            synchronize(device)
    return (time.perf_counter() - begun) / calls


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Return the spread of a ratio, taken round by round."""
    return Spread.of([a / b for a, b in zip(numerators, denominators, strict=True)])


def synchronize(device: str) -> None:
    """Wait until a GPU has done its work."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()
