"""Steps thinned to a logarithmic spacing."""

from __future__ import annotations

import numpy as np


def thinned(steps: np.ndarray, most: int = 240) -> np.ndarray:
    """Return indices of at most `most` steps, evenly spaced in their logarithm.

    First and last step are included.
    """
    if len(steps) <= most:
        return np.arange(len(steps))
    positive = steps[steps > 0]
    targets = np.concatenate([[steps[0]], np.geomspace(positive[0], steps[-1], most - 1)])
    return np.unique(np.clip(np.searchsorted(steps, np.round(targets, 6)), 0, len(steps) - 1))
