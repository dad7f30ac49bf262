"""Statistics over networks whose times may be censored.

Imports nothing else of `interp`.
"""

from interp.lazy_exports import lazy_exports

__getattr__ = lazy_exports(
    __name__,
    {
        "Bounded": "censored_times",
        "CensoredTimes": "censored_times",
        "log_rank": "censored_times",
        "mean_ratio": "time_ratios",
        "median_time": "censored_times",
        "paired_ratios": "time_ratios",
        "survival_curve": "censored_times",
    },
)
