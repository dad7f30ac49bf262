"""Simulated coverage of intervals and size of tests, for few seeds.

`PYTHONPATH=. python -W ignore tests/simulated_statistics.py` draws many and prints the figures that
docstrings and docs/trust.md quote, in about a minute.
"""

import numpy as np
from scipy.stats import bootstrap, norm

from interp.statistics.censored_times import CensoredTimes
from interp.statistics.log_rank_statistics import log_rank
from interp.statistics.time_ratios import student_interval

DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed (exponential - 1)": lambda rng, shape: rng.exponential(size=shape) - 1,
    "heavy-tailed (Student's t, 3 degrees)": lambda rng, shape: rng.standard_t(3, size=shape),
}
"""Log-ratios of mean 0."""


def bca_interval(values):
    """Return the BCa bootstrap's interval of each row's mean."""
    rng = np.random.default_rng(1)
    ends = [
        bootstrap((row,), np.mean, n_resamples=999, method="BCa", rng=rng).confidence_interval
        for row in values
    ]
    return np.array(ends).T


def coverage(interval, draw, n, n_draws):
    """Return the share of draws of n numbers whose interval contains the true mean, 0."""
    low, high = interval(draw(np.random.default_rng(0), (n_draws, n)))
    return float(((low <= 0) & (high >= 0)).mean())


def log_rank_size(n, censored_from=np.inf, n_draws=20_000):
    """Return the share of equal arms of n networks that are rejected at .05.

    By the exact test and by the normal approximation; times are drawn from one distribution and censored at a
    quantile.
    """
    rng = np.random.default_rng(0)
    rejected, by_order = np.zeros(2), {}
    for times in rng.uniform(size=(n_draws, 2, n)):
        at = np.minimum(times, censored_from)
        order = np.unique(at, return_inverse=True)[1].tobytes() + (times <= censored_from).tobytes()
        if order not in by_order:  # p depends on the order alone
            first, second = map(CensoredTimes, at, times <= censored_from)
            test = log_rank(first, second)
            by_order[order] = test.p <= 0.05, 2 * norm.sf(abs(test.z)) <= 0.05
        rejected += by_order[order]
    return tuple((rejected / n_draws).tolist())


def main():
    """Print coverage at n = 2, 3, 5, 10 and size at n = 3, 4, 5."""
    for name, draw in DISTRIBUTIONS.items():
        for n in (2, 3, 5, 10):
            student, bca = (
                coverage(interval, draw, n, n_draws)
                for interval, n_draws in ((student_interval, 200_000), (bca_interval, 4_000))
            )
            print(f"{name}, n = {n}: Student's t covers {student:.3f}, BCa {bca:.3f}")
    for n in (3, 4, 5):
        for name, censored_from in (("none censored", np.inf), ("a third censored", 2 / 3)):
            exact, approximate = log_rank_size(n, censored_from)
            print(f"log-rank, {n} against {n}, {name}: size {exact:.3f}, normal {approximate:.3f}")


if __name__ == "__main__":
    main()
