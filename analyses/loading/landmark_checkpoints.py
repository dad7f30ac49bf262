"""Landmark checkpoints of a network: start, memorised, between, generalised, end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from training.inspection.trained_network import Network


def landmark_indices(network: Network, metrics: pd.DataFrame | None) -> dict[str, int]:
    """Return the indices of a network's landmark checkpoints, in order.

    `start` and `end` are the first and the last checkpoint; `memorised` and `generalised` the first at or
    after t_mem and t_gen; `between` the first at or after their geometric mean. A landmark that the network
    has not reached by its last checkpoint is left out, as are all three without metrics.
    """
    steps: dict[str, float | None] = {}
    if metrics is not None:
        times = network.setting.criterion.times(metrics)
        t_mem, t_gen = times.t_mem.at, times.t_gen.at
        between = None if t_mem is None or t_gen is None else (t_mem * t_gen) ** 0.5
        steps = {"memorised": t_mem, "between": between, "generalised": t_gen}
    last = len(network.steps) - 1
    indices = {
        name: int(np.searchsorted(network.steps, step)) for name, step in steps.items() if step is not None
    }
    return {"start": 0} | {name: index for name, index in indices.items() if index <= last} | {"end": last}
