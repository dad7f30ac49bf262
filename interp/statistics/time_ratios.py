"""Ratios of two arms' times, paired by seed.

    n  pairs of networks with one seed

A censored time leaves only a bound on its ratio (`interp.statistics.censored_times`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

from interp.statistics.censored_times import Bounded, CensoredTimes

__all__ = ["MeanRatio", "mean_ratio", "paired_ratios"]

CONFIDENCE = 0.95
RESAMPLES = 9999


def paired_ratios(numerator: CensoredTimes, denominator: CensoredTimes) -> list[Bounded | None]:
    """Ratio of two arms' times, network by network.

    Parameters
    ----------
    numerator, denominator : CensoredTimes
        Entry i of both has one seed. Times above 0.

    Returns
    -------
    list[Bounded | None]
        Dimensionless. A censored numerator leaves a lower bound, a censored denominator an upper bound. None
        if both are censored.

    Raises
    ------
    ValueError
        If the two differ in length, or a time is 0.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, compares t_gen of single networks; pairs and bounds are ours.

    Examples
    --------
    >>> dense = CensoredTimes(np.array([6000, 9000, 9000]), np.array([True, False, False]))
    >>> ticket = CensoredTimes(np.array([300, 450, 9000]), np.array([True, True, False]))
    >>> print(*paired_ratios(dense, ticket), sep=", ")
    20, > 20, None
    """
    if len(numerator.at) != len(denominator.at):
        lengths = f"{len(numerator.at)} and {len(denominator.at)}"
        raise ValueError(f"numerator and denominator: expected networks in pairs, got {lengths} networks")
    for times in (numerator, denominator):
        if (times.at == 0).any():
            raise ValueError("times: expected times above 0 for a ratio, got 0")
    columns = (numerator.at / denominator.at, numerator.observed, denominator.observed)
    return list(map(_ratio, *(column.tolist() for column in columns)))


def _ratio(value: float, numerator_observed: bool, denominator_observed: bool) -> Bounded | None:
    if numerator_observed:
        return Bounded(value, "=" if denominator_observed else "<")
    return Bounded(value, ">") if denominator_observed else None


@dataclass(frozen=True)
class MeanRatio:
    """Geometric mean of a ratio over pairs, with its interval."""

    n: int
    """Number of pairs that give a ratio or a bound."""
    mean: Bounded | None
    """Geometric mean. None if there is no pair, or if bounds point in both directions."""
    interval: tuple[float, float] | None
    """Confidence interval of the mean. None if the mean is a bound, or from fewer than two pairs."""


def mean_ratio(ratios: Sequence[Bounded | None]) -> MeanRatio:
    """Geometric mean of paired ratios, with a bootstrap interval.

    The bootstrap resamples pairs.

    Parameters
    ----------
    ratios : sequence of Bounded or None
        As from `paired_ratios`, above 0. None, a pair without information, is left out.

    Returns
    -------
    MeanRatio
        Dimensionless. With a bound among the ratios the mean is a bound too, and has no interval. The
        interval is BCa at 95 % of the mean log-ratio, from 9,999 resamples of a fixed generator. It is a
        single point when all ratios are equal.

    Raises
    ------
    ValueError
        If a ratio is not above 0 and finite.

    Notes
    -----
    With few pairs the interval is too narrow: on normal log-ratios it covered the true mean in 50 % of 2,000
    draws of 2 pairs, 73 % of 3, 85 % of 5 and 91 % of 10.

    References
    ----------
    .. [1] Efron, Better bootstrap confidence intervals, JASA 82 (1987), 171–185; `scipy.stats.bootstrap`.

    Examples
    --------
    >>> print(mean_ratio([Bounded(20.0), Bounded(45.0, ">"), None]).mean)
    > 30
    >>> result = mean_ratio([Bounded(2.0), Bounded(4.0), Bounded(8.0)])
    >>> print(result.mean, result.n)
    4 3
    """
    informative = [ratio for ratio in ratios if ratio is not None]
    if wrong := [ratio for ratio in informative if not 0 < ratio.value < math.inf]:
        raise ValueError(f"ratios: expected finite numbers above 0, got {wrong[0]}")
    bounds = {ratio.bound for ratio in informative} - {"="}
    if not informative or len(bounds) > 1:
        return MeanRatio(len(informative), None, None)
    logs = np.sort(np.log([ratio.value for ratio in informative]))  # sorted: seed order must not matter
    mean = Bounded(math.exp(logs.mean()), bounds.pop() if bounds else "=")
    if mean.bound != "=" or len(logs) < 2:
        return MeanRatio(len(informative), mean, None)
    if np.ptp(logs) < 1e-12:  # every resample has this mean
        return MeanRatio(len(informative), mean, (mean.value, mean.value))
    interval = bootstrap(
        (logs,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return MeanRatio(len(informative), mean, (math.exp(interval.low), math.exp(interval.high)))
