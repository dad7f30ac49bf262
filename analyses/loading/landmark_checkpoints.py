"""The checkpoints at which one looks at a network's weights: the ends and the stages of its training."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyses.loading.trained_network import Network


def moments(network: Network, metrics: pd.DataFrame | None) -> dict[str, int]:
    """Places, among the network's checkpoints, of the moments that it has come to, in order.

    `start` and `end` are the first and the last checkpoint; `memorised` and `generalised` the first at or
    after t_mem and t_gen; `between` the first at or after their geometric mean.
    """
    wanted: dict[str, float | None] = {"memorised": None, "between": None, "generalised": None}
    if metrics is not None:
        times = network.setting.criterion.times(metrics)
        t_mem, t_gen = times.t_mem.at, times.t_gen.at
        between = None if t_mem is None or t_gen is None else (t_mem * t_gen) ** 0.5
        wanted = {"memorised": t_mem, "between": between, "generalised": t_gen}
    last = len(network.steps) - 1
    places = {
        name: int(np.searchsorted(network.steps, step)) for name, step in wanted.items() if step is not None
    }
    return {"start": 0} | {name: at for name, at in places.items() if at <= last} | {"end": last}
