"""Statistics over networks whose times may be censored.

Imports nothing else of `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Bounded": "censored_times",
        "CensoredTimes": "censored_times",
        "log_rank": "log_rank_statistics",
        "mean_ratio": "time_ratios",
        "median_of_bounds": "censored_times",
        "median_time": "censored_times",
        "paired_ratios": "time_ratios",
        "possible_smallest": "censored_times",
        "survival_curve": "censored_times",
    },
)
