"""Times that may be censored: bounds, median, survival curve.

    n  networks of one arm, which differ in their seed
    k  different times among them

A time is *censored* if the network did not cross within its budget: the time is unknown and larger than the
budget. No measure drops a censored time or takes the budget for the time. Where censoring leaves only a bound
on the result, the result is a `Bounded`.
"""

import math
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import CensoredData, ecdf

__all__ = [
    "Bounded",
    "CensoredTimes",
    "median_of_bounds",
    "median_time",
    "possible_smallest",
    "survival_curve",
]

Key = TypeVar("Key", bound=Hashable)


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

    @property
    def lower(self) -> float:
        """Largest number that is certainly not above it; -inf without one."""
        return -math.inf if self.bound == "<" else self.value

    @property
    def upper(self) -> float:
        """Smallest number that is certainly not below it; inf without one."""
        return math.inf if self.bound == ">" else self.value

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

    def for_scipy(self) -> CensoredData:
        """Return the times as SciPy takes them."""
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
    survival = ecdf(times.for_scipy()).sf
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


def median_of_bounds(numbers: Collection[Bounded]) -> Bounded:
    """Lower median of numbers of which some are known as bounds.

    No assumption on censoring is made, as Kaplan and Meier make: that a network which was observed for a
    shorter time would have crossed like the others. It fails for ratios such as tau = t_gen / t_mem, whose
    bound is the lower the later the network memorized.

    Parameters
    ----------
    numbers : collection of Bounded
        At least one. A number of which nothing is known counts too, as `Bounded(0, ">")` for a ratio.

    Returns
    -------
    Bounded
        In the units of the numbers. The number if every value that the bounds allow has this median;
        otherwise the smallest median that they allow, as a lower bound; without one the largest, as an upper
        bound. For even n, the lower of the two middle numbers.

    Raises
    ------
    ValueError
        If there is no number.

    Notes
    -----
    The median grows with every number, so its smallest value is the median of the lower bounds, and its
    largest that of the upper bounds.

    References
    ----------
    .. [1] Manski, Partial identification of probability distributions (2003), ch. 1, on bounds of quantiles
       from interval data.

    Examples
    --------
    >>> tau, unknown = Bounded(3.0), Bounded(0.0, ">")
    >>> print(median_of_bounds([tau, tau, unknown]))
    3
    >>> print(median_of_bounds([tau, unknown, unknown, unknown]))
    > 0
    """
    if not numbers:
        raise ValueError("numbers: expected at least one, got none")
    middle = (len(numbers) - 1) // 2
    lower, upper = (sorted(ends)[middle] for ends in zip(*((n.lower, n.upper) for n in numbers), strict=True))
    if lower == upper:
        return Bounded(lower)
    return Bounded(upper, "<") if math.isinf(lower) else Bounded(lower, ">")


def possible_smallest(numbers: Mapping[Key, Bounded]) -> list[Key]:
    """Keys of the numbers that may be the smallest, given their bounds.

    Parameters
    ----------
    numbers : mapping
        A number or a bound per key.

    Returns
    -------
    list
        In the order of the mapping. More than one key if bounds do not decide, or numbers are equal.

    References
    ----------
    .. [1] Ours.

    Examples
    --------
    >>> possible_smallest({0.6: Bounded(4.0), 0.7: Bounded(3.0), 0.9: Bounded(30.0, ">")})
    [0.7]
    >>> possible_smallest({0.6: Bounded(4.0), 0.7: Bounded(3.0), 0.9: Bounded(0.0, ">")})
    [0.7, 0.9]
    """
    least = min((number.upper for number in numbers.values()), default=math.inf)
    return [key for key, number in numbers.items() if number.lower <= least]
