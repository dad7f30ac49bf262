"""Tables of mask statistics, each distinct mask measured once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.graph_props.mask_statistics import (
    NULLS,
    Layers,
    MaskStatistics,
    MaskTask,
    WeightsTask,
    measure_masks,
)
from analyses.graph_props.schema import WEIGHTS
from analyses.loading.checkpoint_masks import checkpoint_masks
from interp.graphs.null_models import NullComparison
from interp.mechanism.effective_weights import graph_layer_names, layer_matrices
from training.inspection.trained_network import Network

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor

UNDEFINED = NullComparison(np.nan, np.nan, np.nan, np.nan, 0)


@dataclass(frozen=True)
class Owner:
    """Checkpoint of a network, with the mask that it has there."""

    checkpoint: dict[str, Any]
    """Columns that name the network and the step."""
    dense: bool
    """True: the magnitude mask of a network without a mask."""
    mask: str
    """Identity of the mask."""
    place: int
    """Index of the checkpoint's weights in `MaskTask.weights`."""


def mask_tables(
    networks: Sequence[Network], n_nulls: int, seed: int, workers: int | Executor
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of all statistics, and that of weighted statistics everywhere.

    A network without a mask is in the first table with every checkpoint; any other with its last, since its
    mask does not change. Equal masks are measured once.
    """
    masks: dict[str, MaskTask] = {}
    owners: list[Owner] = []
    earlier: list[tuple[dict[str, Any], WeightsTask]] = []
    for network in networks:
        dense = network.mask is None
        at_network = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
        for place, (step, mask, weights) in enumerate(_checkpoints(network)):
            checkpoint = at_network | {"step": step}
            names, layers = tuple(mask), tuple(mask.values())
            if not dense and place < len(network.steps) - 1:
                earlier.append((checkpoint, WeightsTask(names, layers, weights)))
                continue
            task = MaskTask(names, layers, graph_layer_names(names))
            task = masks.setdefault(task.identity, task)
            task.weights.append(weights)
            owners.append(Owner(checkpoint, dense, task.identity, len(task.weights) - 1))
    tasks = [task for _, task in earlier]
    measured, weighted = measure_masks(list(masks.values()), tasks, n_nulls, seed, workers)
    by_mask = dict(zip(masks, measured, strict=True))
    properties = pd.DataFrame([row for owner in owners for row in _rows(owner, by_mask[owner.mask])])
    earlier_rows = [
        checkpoint | {"where": where, "statistic": name, "value": value}
        for (checkpoint, _), values in zip(earlier, weighted, strict=True)
        for (where, name, _), value in values.items()
    ]
    return properties, _weights_table(properties, earlier_rows)


def _weights_table(properties: pd.DataFrame, earlier_rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the weighted statistics of all checkpoints, sorted."""
    columns = [column.name for column in WEIGHTS.columns]
    at_end = properties[properties["statistic"].str.startswith("weighted_")]
    everywhere = pd.concat([pd.DataFrame(earlier_rows, columns=columns), at_end[columns]])
    return everywhere.sort_values(list(WEIGHTS.key), kind="stable", ignore_index=True)


def _checkpoints(network: Network) -> Iterator[tuple[int, dict[str, np.ndarray], Layers]]:
    """Yield step, masks and weights from input to output of every checkpoint."""
    weights = network.weights()
    for place, mask in enumerate(checkpoint_masks(network, weights)):
        matrices = layer_matrices({name: w[place] for name, w in weights.items()})
        yield int(network.steps[place]), layer_matrices(mask), tuple(matrices.values())


def _rows(owner: Owner, statistics: MaskStatistics) -> Iterator[dict[str, Any]]:
    """Yield a checkpoint's row of every statistic, with its comparisons."""
    for key, value in statistics.observed.items():
        where, name, place = key
        if place not in (None, owner.place):
            continue
        row = owner.checkpoint | {"dense": owner.dense, "mask": owner.mask}
        row |= {"where": where, "statistic": name, "value": value}
        for kind in NULLS:
            null = statistics.nulls.get(kind, {}).get(key, UNDEFINED)
            row |= {f"{kind}_{part}": getattr(null, part) for part in ("mean", "sd", "z", "n")}
        yield row
