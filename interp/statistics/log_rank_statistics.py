"""Log-rank test of two arms' times, exact where few networks crossed.

    n  networks of both arms
    e  arrangements: choices of the m networks that are called the first arm

The normal approximation needs many events. Between three networks and three its p cannot fall below .024,
and at a nominal .05 it rejects equal arms in .100 of all cases: the most extreme of 20 arrangements and its
mirror image. With few events p is therefore counted over arrangements.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import logrank

from interp.statistics.censored_times import CensoredTimes

__all__ = ["LogRank", "log_rank", "log_rank_scores"]

MANY_EVENTS = 10
"""Crossings of either arm from which on the normal approximation is used."""
MOST_ARRANGEMENTS = 200_000
"""Most arrangements that are all counted (two arms of 10 have 184,756); of more, some are drawn."""
DRAWN = 19_999
"""Arrangements drawn where there are too many to count."""


@dataclass(frozen=True)
class LogRank:
    """Result of a log-rank test of two arms."""

    z: float
    """Crossings of the first arm beyond those expected, in standard deviations. Above 0: it is sooner."""
    p: float
    """Probability of a difference at least this large, in either direction, if both arms were alike."""
    n_events: int
    """Number of observed crossings, in both arms together."""
    kind: Literal["exact", "drawn", "normal"] | None = None
    """Origin of p: all arrangements, drawn ones, or the normal approximation; None without p."""


def log_rank(first: CensoredTimes, second: CensoredTimes) -> LogRank:
    """Log-rank test of two arms' times.

    Pairing by seed is ignored. Below ten crossings in either arm, p is the share of arrangements of the
    networks whose difference of observed and expected crossings is at least as large; arrangements are all
    counted if there are at most 200,000, else 19,999 are drawn by a fixed generator and the observed one
    counts as one more. From ten on in both arms, p is the normal approximation.

    Parameters
    ----------
    first, second : CensoredTimes
        At least one network each; they may differ in number.

    Returns
    -------
    LogRank
        `z`, `p` and `kind` are NaN, NaN and None if no crossing falls in a time when both arms were still
        observed.

    Raises
    ------
    ValueError
        If an arm has no network.

    Notes
    -----
    The exact p of three networks against three is never below .1, of four against four never below .029.

    References
    ----------
    .. [1] Mantel, Evaluation of survival data, Cancer Chemotherapy Reports 50 (1966), 163–170;
       `scipy.stats.logrank`.
    .. [2] Peto & Peto, Asymptotically efficient rank invariant test procedures, J. R. Stat. Soc. A 135
       (1972), 185–207: the difference as a sum of scores, and its permutation.

    Examples
    --------
    >>> ticket = CensoredTimes(np.array([180, 340, 220]), np.array([True, True, True]))
    >>> shuffled = CensoredTimes(np.array([9000, 9000, 9000]), np.array([False, False, False]))
    >>> test = log_rank(ticket, shuffled)
    >>> test.z > 0, test.p, test.n_events, test.kind
    (True, 0.1, 3, 'exact')
    """
    for name, times in (("first", first), ("second", second)):
        if not times.at.size:
            raise ValueError(f"{name}: expected at least one network, got none")
    with np.errstate(invalid="ignore"):  # 0/0 without any event to test
        test = logrank(first.for_scipy(), second.for_scipy())
    z, p, events = float(test.statistic), float(test.pvalue), (first.observed.sum(), second.observed.sum())
    n_events = int(sum(events))
    if math.isnan(z):
        return LogRank(z, math.nan, n_events)
    if min(events) >= MANY_EVENTS:
        return LogRank(z, p, n_events, "normal")
    at = np.concatenate([first.at, second.at])
    observed = np.concatenate([first.observed, second.observed])
    scores = log_rank_scores(CensoredTimes(at, observed))
    n_first = len(first.at)
    if math.comb(len(scores), n_first) <= MOST_ARRANGEMENTS:
        return LogRank(z, _exact_p(scores, n_first), n_events, "exact")
    return LogRank(z, _drawn_p(scores, n_first), n_events, "drawn")


def log_rank_scores(times: CensoredTimes) -> Float[np.ndarray, " n"]:
    """Log-rank score of every network: 1 if it crossed, less its expectation.

    Parameters
    ----------
    times : CensoredTimes
        Networks of both arms together.

    Returns
    -------
    Float[np.ndarray, " n"]
        Dimensionless; they sum to 0. The sum over the networks of one arm is its number of crossings beyond
        those expected. The expectation of a network is the sum, over the crossings until its time, of
        crossings per network still observed (Nelson and Aalen's cumulative hazard).

    References
    ----------
    .. [1] Peto & Peto (1972), as `log_rank`.

    Examples
    --------
    >>> log_rank_scores(CensoredTimes(np.array([10, 20]), np.array([True, False])))
    array([ 0.5, -0.5])
    """
    different, place = np.unique(times.at, return_inverse=True)
    crossings = np.bincount(place, times.observed, len(different))
    still_observed = np.bincount(place, minlength=len(different))[::-1].cumsum()[::-1]
    return times.observed - np.cumsum(crossings / still_observed)[place]


def _exact_p(scores: Float[np.ndarray, " n"], n_first: int) -> float:
    """Share of all arrangements at least as far from 0."""
    chosen = np.array(list(itertools.combinations(range(len(scores)), n_first)))
    return float(_at_least_as_far(scores, chosen).mean())


def _drawn_p(scores: Float[np.ndarray, " n"], n_first: int) -> float:
    """Share of drawn arrangements, and the observed one, at least as far from 0."""
    order = np.random.default_rng(0).permuted(np.tile(np.arange(len(scores)), (DRAWN, 1)), axis=1)
    return float((_at_least_as_far(scores, order[:, :n_first]).sum() + 1) / (DRAWN + 1))


def _at_least_as_far(
    scores: Float[np.ndarray, " n"], chosen: Int[np.ndarray, "e m"]
) -> Bool[np.ndarray, " e"]:
    observed = abs(scores[: chosen.shape[1]].sum())
    return np.abs(scores[chosen].sum(axis=1)) >= observed - 1e-9  # equal sums differ by rounding
