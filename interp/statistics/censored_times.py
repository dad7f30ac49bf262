"""Times that may be censored: median, survival curve, comparison of two arms.

    n  networks of one arm, which differ in their seed
    k  different times among them

A time is *censored* if the network did not cross within its budget: the time is unknown and larger than the
budget. No measure drops a censored time or takes the budget for the time. Where censoring leaves only a bound
on the result, the result is a `Bounded`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import CensoredData, ecdf, logrank

__all__ = ["Bounded", "CensoredTimes", "LogRank", "log_rank", "median_time", "survival_curve"]


@dataclass(frozen=True)
class Bounded:
    """Number, or a bound on it.

    Examples
    --------
    >>> print(Bounded(54.0, ">"), Bounded(1.5), sep="; ")
    > 54; 1.5
    """

    value: float
    bound: Literal["=", "<", ">"] = "="
    """Relation of the number to `value`: equal, smaller or larger."""

    def __str__(self) -> str:
        return f"{self.value:g}" if self.bound == "=" else f"{self.bound} {self.value:g}"


@dataclass(frozen=True)
class CensoredTimes:
    """Crossing times of one arm's networks, some of them censored.

    Raises
    ------
    ValueError
        If the lists differ in length, or a time is negative or not finite.
    """

    at: Int[np.ndarray, " n"] | Float[np.ndarray, " n"]
    """Time of the crossing; the last measured time if censored. In steps, or a ratio of steps."""
    observed: Bool[np.ndarray, " n"]
    """True where the crossing was observed, False where it is censored."""

    def __post_init__(self) -> None:
        if self.at.ndim != 1 or self.at.shape != self.observed.shape:
            shapes = f"{self.at.shape}, {self.observed.shape}"
            raise ValueError(f"at and observed: expected two lists of one length, got shapes {shapes}")
        wrong = self.at[~(np.isfinite(self.at) & (self.at >= 0))]
        if wrong.size:
            raise ValueError(f"times: expected finite numbers from 0, got {wrong[0]}")

    @property
    def n_censored(self) -> int:
        """Number of networks whose time is censored."""
        return int((~self.observed).sum())

    def _for_scipy(self) -> CensoredData:
        return CensoredData(uncensored=self.at[self.observed], right=self.at[~self.observed])


def survival_curve(times: CensoredTimes) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Share of networks that have not crossed yet, over time.

    This is the Kaplan–Meier estimate.

    Parameters
    ----------
    times : CensoredTimes
        At least one network. A network censored at a time still counts as observed at that time.

    Returns
    -------
    steps : Float[np.ndarray, " k"]
        The different times, of crossings and of censorings, ascending.
    share : Float[np.ndarray, " k"]
        The share from each time on until the next, in [0, 1]. Before the first time it is 1.

    Raises
    ------
    ValueError
        If there is no network.

    References
    ----------
    .. [1] Kaplan & Meier, JASA 53 (1958), 457–481; `scipy.stats.ecdf`.

    Examples
    --------
    >>> steps, share = survival_curve(CensoredTimes(np.array([100, 150, 400]), np.array([True, False, True])))
    >>> steps.tolist(), share.round(3).tolist()
    ([100.0, 150.0, 400.0], [0.667, 0.667, 0.0])
    """
    if not times.at.size:
        raise ValueError("times: expected at least one network, got none")
    survival = ecdf(times._for_scipy()).sf
    return np.asarray(survival.quantiles, dtype=float), np.asarray(survival.probabilities, dtype=float)


def median_time(times: CensoredTimes) -> Bounded:
    """Kaplan–Meier median of censored times.

    This is the first time at which at most half of the networks have not crossed yet.

    Parameters
    ----------
    times : CensoredTimes
        At least one network.

    Returns
    -------
    Bounded
        In the units of the times. If the survival curve stays above one half, the result is a lower bound,
        the longest time. Without censoring and for even n, the lower of the two middle times, not their mean.

    Raises
    ------
    ValueError
        As `survival_curve`.

    References
    ----------
    .. [1] As `survival_curve`.

    Examples
    --------
    >>> print(median_time(CensoredTimes(np.array([180, 340, 220]), np.array([True, True, True]))))
    220
    >>> print(median_time(CensoredTimes(np.array([900, 1000, 1000]), np.array([True, False, False]))))
    > 1000
    """
    steps, share = survival_curve(times)
    at_most_half = np.flatnonzero(share <= 0.5 + 1e-12)  # a share is a rounded product of fractions
    return Bounded(float(steps[at_most_half[0]])) if at_most_half.size else Bounded(float(steps[-1]), ">")


@dataclass(frozen=True)
class LogRank:
    """Result of a log-rank test of two arms."""

    z: float
    """Crossings of the first arm beyond those expected, in standard deviations. Above 0: it is sooner."""
    p: float
    """Probability of a |z| at least this large if both arms were alike; two-sided, normal approximation."""
    n_events: int
    """Number of observed crossings, in both arms together."""


def log_rank(first: CensoredTimes, second: CensoredTimes) -> LogRank:
    """Log-rank test of two arms' times.

    Pairing by seed is ignored.

    Parameters
    ----------
    first, second : CensoredTimes
        At least one network each; they may differ in number.

    Returns
    -------
    LogRank
        Both `z` and `p` are NaN if no crossing falls in a time when both arms were still observed.

    Raises
    ------
    ValueError
        If an arm has no network.

    Notes
    -----
    The test needs many events: between three networks and three, p cannot fall below 0.024.

    References
    ----------
    .. [1] Mantel, Evaluation of survival data, Cancer Chemotherapy Reports 50 (1966), 163–170;
       `scipy.stats.logrank`.

    Examples
    --------
    >>> ticket = CensoredTimes(np.array([180, 340, 220]), np.array([True, True, True]))
    >>> shuffled = CensoredTimes(np.array([9000, 9000, 9000]), np.array([False, False, False]))
    >>> test = log_rank(ticket, shuffled)
    >>> test.z > 0, round(test.p, 3), test.n_events
    (True, 0.025, 3)
    """
    for name, times in (("first", first), ("second", second)):
        if not times.at.size:
            raise ValueError(f"{name}: expected at least one network, got none")
    with np.errstate(invalid="ignore"):  # 0/0 without any event to test
        test = logrank(first._for_scipy(), second._for_scipy())
    n_events = int(first.observed.sum() + second.observed.sum())
    return LogRank(float(test.statistic), float(test.pvalue), n_events)
