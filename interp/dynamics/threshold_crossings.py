"""Steps at which a training curve crosses a threshold.

    n  measurements of one curve, at increasing steps

A curve is measured only at some steps, so a crossing is known as an interval: (last measured step before,
first measured step at or beyond the threshold]. A curve that never crosses is *censored* at its last measured
step, the budget: the time of the crossing is unknown and larger than the budget.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Crossing", "GrokkingTimes", "first_crossing", "grokking_times", "half_decrease_step"]


@dataclass(frozen=True)
class Crossing:
    """Interval of steps in which a curve first reached its threshold.

    Examples
    --------
    >>> print(Crossing(140, 150, 30000), Crossing(30000, None, 30000), Crossing(None, 0, 30000), sep="; ")
    (140, 150]; > 30000; <= 0
    """

    last_before: int | None
    """Last measured step before the crossing; None if the first measurement is already beyond it."""
    at: int | None
    """First measured step at or beyond the threshold; None if censored."""
    budget: int
    """Last measured step of the curve."""

    @property
    def censored(self) -> bool:
        """True if the curve never crossed within its budget."""
        return self.at is None

    @property
    def lower(self) -> int:
        """Lower bound of the crossing time, exclusive, in steps.

        `last_before`, or 0 if there is none; the budget if censored.
        """
        return self.budget if self.at is None else (self.last_before or 0)

    @property
    def upper(self) -> float:
        """Upper bound of the crossing time, inclusive, in steps.

        `at`; infinite if censored.
        """
        return math.inf if self.at is None else float(self.at)

    def __str__(self) -> str:
        if self.at is None:
            return f"> {self.budget}"
        return f"<= {self.at}" if self.last_before is None else f"({self.last_before}, {self.at}]"


@dataclass(frozen=True)
class GrokkingTimes:
    """Steps at which a network memorized and generalized.

    Examples
    --------
    >>> times = GrokkingTimes(Crossing(90, 100, 5000), Crossing(990, 1000, 5000))
    >>> times.tau, times.tau_bounds
    (10.0, (9.9, 11.11111111111111))
    """

    t_mem: Crossing
    """First crossing of the train curve."""
    t_gen: Crossing
    """First crossing of the test curve."""

    @property
    def tau(self) -> float:
        """t_gen / t_mem, of the first measured steps at the threshold.

        NaN if either is censored or t_mem is step 0.
        """
        if self.t_gen.at is None or not self.t_mem.at:
            return math.nan
        return self.t_gen.at / self.t_mem.at

    @property
    def tau_bounds(self) -> tuple[float, float]:
        """Smallest and largest tau compatible with the measurements.

        The upper bound is inf if t_gen is censored. If both are censored the bounds are (0, inf).
        """
        lower = self.t_gen.lower / self.t_mem.upper if self.t_mem.upper else 0.0
        upper = self.t_gen.upper / self.t_mem.lower if self.t_mem.lower else math.inf
        return lower, upper


def first_crossing(
    steps: Int[np.ndarray, " n"],
    values: Float[np.ndarray, " n"],
    threshold: float,
    direction: Literal["up", "down"] = "up",
) -> Crossing:
    """First measured step at which a curve reaches a threshold.

    Parameters
    ----------
    steps : Int[np.ndarray, " n"]
        Optimizer updates done at each measurement, at least 0, strictly increasing.
    values : Float[np.ndarray, " n"]
        The curve. NaN means "not measured at this step" and is skipped; infinite values count.
    threshold : float
        In the units of `values`.
    direction : {"up", "down"}
        "up": first value >= threshold (accuracy); "down": first value <= threshold (loss).

    Returns
    -------
    Crossing
        In steps. Later crossings do not count.

    Raises
    ------
    ValueError
        If lengths differ, steps are negative or do not increase, nothing was measured, `threshold` is NaN or
        `direction` is unknown.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, t_mem and t_gen (there a single step, here an interval).

    Examples
    --------
    >>> print(first_crossing(np.array([0, 10, 20, 30]), np.array([0.0, 0.5, 0.97, 0.9]), 0.95))
    (10, 20]
    """
    if direction not in ("up", "down"):
        raise ValueError(f"direction: expected 'up' or 'down', got {direction!r}")
    if math.isnan(threshold):
        raise ValueError("threshold: expected a number, got nan")
    t, y = _measured(steps, values)
    return _crossing(t, y >= threshold if direction == "up" else y <= threshold)


def grokking_times(
    steps: Int[np.ndarray, " n"],
    train: Float[np.ndarray, " n"],
    test: Float[np.ndarray, " n"],
    threshold: float = 0.95,
    direction: Literal["up", "down"] = "up",
) -> GrokkingTimes:
    """Steps at which train (t_mem) and test curve (t_gen) reach a threshold.

    Parameters
    ----------
    steps : Int[np.ndarray, " n"]
        As in `first_crossing`.
    train, test : Float[np.ndarray, " n"]
        Accuracies in [0, 1], or losses with direction "down" and a threshold of the task. A curve may be NaN
        where only the other was measured.
    threshold : float
        Threshold of both curves.
    direction : {"up", "down"}
        As in `first_crossing`.

    Returns
    -------
    GrokkingTimes
        The two crossings, their ratio `tau` (NaN when censored) and the bounds of `tau`.

    Raises
    ------
    ValueError
        As `first_crossing`.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, tau_grok = t_gen / t_mem with P = 0.95.

    Examples
    --------
    >>> steps = np.arange(0, 50, 10)
    >>> times = grokking_times(steps, np.array([0.0, 1, 1, 1, 1]), np.array([0.0, 0.2, 0.3, 0.99, 1]))
    >>> print(times.t_mem, times.t_gen, times.tau)
    (0, 10] (20, 30] 3.0
    """
    return GrokkingTimes(
        t_mem=first_crossing(steps, train, threshold, direction),
        t_gen=first_crossing(steps, test, threshold, direction),
    )


def half_decrease_step(
    steps: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"], fraction: float = 0.5
) -> Crossing:
    """Step at which a curve has made half of its total decrease.

    The total decrease is from the first measured value to the lowest. Steps of curves with different total
    decrease are comparable, but a step says nothing about the size of the decrease, so report the size too:
    even a curve of pure noise has such a step.

    Parameters
    ----------
    steps : Int[np.ndarray, " n"]
        As in `first_crossing`.
    values : Float[np.ndarray, " n"]
        The curve, such as the mean Fourier entropy at each checkpoint. NaN is skipped.
    fraction : float
        Share of the total decrease, in (0, 1].

    Returns
    -------
    Crossing
        In steps; censored for a curve that never goes below its first value.

    Raises
    ------
    ValueError
        As `first_crossing`, or if `fraction` is outside (0, 1], or a value is infinite.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, compares entropy curves by eye; the measure is ours.

    Examples
    --------
    >>> print(half_decrease_step(np.array([0, 100, 200, 300]), np.array([3.4, 3.2, 2.0, 1.4])))
    (100, 200]
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction: expected a number in (0, 1], got {fraction}")
    t, y = _measured(steps, values)
    if np.isinf(y).any():
        raise ValueError("values: expected finite values or NaN, got an infinite one")
    decrease = y[0] - y.min()
    if decrease == 0:
        return _crossing(t, np.zeros(len(t), dtype=bool))
    # Measured from the lowest value: at fraction 1, rounding then cannot exclude the lowest value itself.
    return _crossing(t, y - y.min() <= (1 - fraction) * decrease)


def _measured(
    steps: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Measured steps and values of a curve, after checking them."""
    t, y = np.asarray(steps), np.asarray(values, dtype=np.float64)
    if t.ndim != 1 or t.shape != y.shape:
        raise ValueError(
            f"steps and values: expected two lists of one length, got shapes {t.shape}, {y.shape}"
        )
    wrong = np.flatnonzero(np.diff(t, prepend=-1) <= 0)
    if wrong.size:
        before = f"{t[wrong[0] - 1]}, " if wrong[0] else ""
        raise ValueError(
            f"steps: expected strictly increasing whole numbers from 0, got {before}{t[wrong[0]]}"
        )
    measured = ~np.isnan(y)
    if not measured.any():
        raise ValueError(f"values: expected a measurement, got {len(y)} values, all NaN")
    return t[measured], y[measured]


def _crossing(t: Int[np.ndarray, " n"], crossed: Bool[np.ndarray, " n"]) -> Crossing:
    budget = int(t[-1])
    if not crossed.any():
        return Crossing(last_before=budget, at=None, budget=budget)
    first = int(crossed.argmax())
    return Crossing(last_before=int(t[first - 1]) if first else None, at=int(t[first]), budget=budget)
