"""Tables of mask properties: which masks there are, and their numbers under everyone who has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyses.graph_props.mask_statistics import NULLS, Layers, MaskTask, Measured, WeightsTask, measure_masks
from analyses.loading.trained_network import Network
from interp.graphs.null_models import NullComparison
from interp.mechanism.effective_weights import graph_layer_names, layer_matrices

ABSENT = NullComparison(np.nan, np.nan, np.nan, np.nan, 0)


@dataclass(frozen=True)
class Owner:
    """An arm, seed and checkpoint, and the mask it has there."""

    at: dict[str, Any]
    """arm, seed, step."""
    dense: bool
    """Whether the mask is the magnitude mask of a dense network at that step."""
    mask: str
    place: int
    """Of its weights among those of the mask's owners."""


def tables(
    networks: Sequence[Network], n_nulls: int, seed: int, jobs: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The main table and that of the weighted statistics at every checkpoint; equal masks measured once.

    In the main table a dense network stands with every checkpoint, a pruned one with its last: its mask
    does not change.
    """
    masks: dict[str, MaskTask] = {}
    owners: list[Owner] = []
    others: list[tuple[dict[str, Any], WeightsTask]] = []
    for network in networks:
        dense = network.mask() is None
        for place, (step, mask, weights) in enumerate(_checkpoints(network)):
            at = {"arm": network.arm, "seed": network.seed, "step": step}
            names, layers = tuple(mask), tuple(mask.values())
            if not dense and place < len(network.steps) - 1:
                others.append((at, WeightsTask(names, layers, weights)))
                continue
            task = MaskTask(names, layers, graph_layer_names(names))
            task = masks.setdefault(task.identity, task)
            task.weights.append(weights)
            owners.append(Owner(at, dense, task.identity, len(task.weights) - 1))
    measured, rest = measure_masks(list(masks.values()), [task for _, task in others], n_nulls, seed, jobs)
    by_mask = dict(zip(masks, measured, strict=True))
    table = pd.DataFrame([row for owner in owners for row in _rows(owner, by_mask[owner.mask])])
    weighted = table[table["statistic"].str.startswith("weighted_")]
    weights_rows = [
        at | {"where": where, "statistic": name, "value": value}
        for (at, _), values in zip(others, rest, strict=True)
        for (where, name, _), value in values.items()
    ]
    columns = ["arm", "seed", "step", "where", "statistic", "value"]
    everywhere = pd.concat([pd.DataFrame(weights_rows, columns=columns), weighted[columns]])
    return table, everywhere.sort_values(columns[:-1], kind="stable", ignore_index=True)


def _checkpoints(network: Network) -> Iterator[tuple[int, dict[str, np.ndarray], Layers]]:
    """Step, masks and weights from input to output."""
    weights = network.weights()
    for place, mask in enumerate(network.masks(weights)):
        own = layer_matrices({name: w[place] for name, w in weights.items()})
        yield int(network.steps[place]), layer_matrices(mask), tuple(own.values())


def _rows(owner: Owner, measured: Measured) -> Iterator[dict[str, Any]]:
    """A row per statistic: its value, and of each null mean, standard deviation, z and n."""
    for key, value in measured.observed.items():
        where, name, place = key
        if place not in (None, owner.place):
            continue
        row = owner.at | {"dense": owner.dense, "mask": owner.mask}
        row |= {"where": where, "statistic": name, "value": value}
        for kind in NULLS:
            null = measured.nulls.get(kind, {}).get(key, ABSENT)
            row |= {f"{kind}_{part}": getattr(null, part) for part in ("mean", "sd", "z", "n")}
        yield row
