"""Fewer steps of a long training: what an analysis keeps and a figure draws of them."""

from __future__ import annotations

import numpy as np


def thinned(steps: np.ndarray, most: int = 240) -> np.ndarray:
    """Places of at most so many of the steps, evenly spaced on a logarithmic axis; ends included."""
    if len(steps) <= most:
        return np.arange(len(steps))
    positive = steps[steps > 0]
    wanted = np.concatenate([[steps[0]], np.geomspace(positive[0], steps[-1], most - 1)])
    return np.unique(np.clip(np.searchsorted(steps, np.round(wanted, 6)), 0, len(steps) - 1))
