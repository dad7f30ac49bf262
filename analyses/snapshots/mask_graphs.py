"""Graphs of masks for the explorer: units that share kept weights, beside random masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from analyses.snapshots.tables import evenly, frequency_order
from interp.graphs.mask_projection import validated_projection
from interp.graphs.null_models import NullKind, null_masks
from interp.mechanism.effective_weights import layer_matrices

MOST_UNITS = 128
"""A layer of more units is shown by a sample of so many."""
NULLS: tuple[NullKind, ...] = ("density", "degree")
ROW_WEIGHTS = ("W_E", "W_out")
"""Weights out of residues and out of neurons: these units are compared, in other weights the targets."""
NEURON_WEIGHTS = ("W_in", "W_out")


def mask_graphs(mask: Mapping[str, np.ndarray], input_map: np.ndarray, seed: int) -> Iterator[pd.DataFrame]:
    """Yield the graph of every layer of a mask, and those of two random masks like it.

    Parameters
    ----------
    input_map : ndarray
        Input weights of the neurons at the last checkpoint, (m, p): neurons are in their order of frequency.
    seed : int
        Of the random masks.
    """
    order = frequency_order(input_map)
    for layer, is_kept in layer_matrices(mask).items():
        name = layer.split(".")[-1]
        is_of_rows = name in ROW_WEIGHTS
        units = order if name in NEURON_WEIGHTS else np.arange(is_kept.shape[0 if is_of_rows else 1])
        units = units[evenly(len(units), MOST_UNITS)]
        generator = np.random.default_rng([seed, *layer.encode()])
        kinds = {"mask": is_kept}
        kinds |= {kind: next(null_masks([is_kept], generator, kind=kind))[0] for kind in NULLS}
        for kind, of_kind in kinds.items():
            rows = _adjacency((of_kind.T if is_of_rows else of_kind)[:, units])
            columns = {"layer": layer, "kind": kind, "unit": units, "place": np.arange(len(units))}
            yield pd.DataFrame(columns).join(rows)


def _adjacency(mask: np.ndarray) -> pd.DataFrame:
    """Return how many sources joined target units share; 0 if not joined."""
    pairs, shared, _ = validated_projection(mask)
    joined = np.zeros((mask.shape[1],) * 2, dtype=np.float32)
    joined[pairs[:, 0], pairs[:, 1]] = joined[pairs[:, 1], pairs[:, 0]] = shared
    return pd.DataFrame(joined, columns=[str(place) for place in range(len(joined))])
