"""Statistics of one mask and of random masks like it.

Every worker process imports this module, so it imports no more than it needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analyses.running.spreading import spread
from interp.graphs.expander_spectrum import expander_properties
from interp.graphs.graph_measures import properties
from interp.graphs.mask_graph import Construction
from interp.graphs.null_models import NullComparison, NullKind, compare_with_null, null_masks

if TYPE_CHECKING:
    from training.execution.scheduling.executor import Executor

CONSTRUCTIONS: tuple[Construction, ...] = ("layered", "folded")
NULLS: tuple[NullKind, ...] = ("density", "degree")
Layers = tuple[np.ndarray, ...]
"""Masks, or weights, from input to output."""

Key = tuple[str, str, int | None]
"""Construction or layer; name of the statistic; for a weighted one, index into `MaskTask.weights`."""


@dataclass(frozen=True)
class MaskTask:
    """Mask to measure, with the weights that it keeps in different networks."""

    names: tuple[str, ...]
    layers: Layers
    graph: tuple[str, ...]
    """Names of the layers whose masks make the graph, input to output."""
    weights: list[Layers] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Hash of the mask alone: equal for equal masks."""
        digest = hashlib.sha256(repr([layer.shape for layer in self.layers]).encode())
        for layer in self.layers:
            digest.update(np.packbits(layer).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class WeightsTask:
    """Weights to measure under a mask that another task measures."""

    names: tuple[str, ...]
    layers: Layers
    weights: Layers


@dataclass(frozen=True)
class MaskStatistics:
    """Every statistic of one mask, and its comparison with each kind of random masks."""

    observed: dict[Key, float]
    nulls: dict[str, dict[Key, NullComparison]]


def measure_masks(
    masks: Sequence[MaskTask],
    weights: Sequence[WeightsTask],
    n_nulls: int,
    seed: int,
    workers: int | Executor,
) -> tuple[list[MaskStatistics], list[dict[Key, float]]]:
    """Return all statistics of every mask, and the weighted ones of further weights.

    The random masks depend on `seed` and the mask alone, not on the number of processes.
    """
    tasks: list[MaskTask | WeightsTask] = [*masks, *weights]
    measured = list(spread(_measure, [(task, n_nulls, seed) for task in tasks], workers, "masks"))
    return measured[: len(masks)], [statistics.observed for statistics in measured[len(masks) :]]


def _measure(task: tuple[MaskTask | WeightsTask, int, int]) -> MaskStatistics:
    """Measure one task, with its random masks."""
    mask, n_nulls, seed = task
    if isinstance(mask, WeightsTask):
        return MaskStatistics(_weighted_statistics(mask.names, mask.layers, mask.weights), {})
    observed = _statistics(mask, mask.layers, mask.weights)
    nulls: dict[str, dict[Key, NullComparison]] = {}
    for place, kind in enumerate(NULLS if n_nulls else ()):
        generator = np.random.default_rng([seed, place, int(mask.identity, 16)])
        samples = [
            _statistics(mask, layers, [_relocated(mask.layers, W, layers, generator) for W in mask.weights])
            for layers in null_masks(mask.layers, generator, n=n_nulls, kind=kind)
        ]
        compared = compare_with_null(_by_text(observed), [_by_text(sample) for sample in samples])
        nulls[kind] = dict(zip(observed, compared.values(), strict=True))
    return MaskStatistics(observed, nulls)


def _statistics(mask: MaskTask, layers: Sequence[np.ndarray], weights: Sequence[Layers]) -> dict[Key, float]:
    """Return all statistics of these layers, named and joined as those of a mask."""
    statistics: dict[Key, float] = {}
    chain = [layers[mask.names.index(name)] for name in mask.graph]
    for construction in CONSTRUCTIONS:
        if construction == "folded" and chain[0].shape[0] != chain[-1].shape[1]:
            continue
        values = properties(chain, construction)
        statistics |= {(construction, name, None): value for name, value in values.items()}
    for place, layer in enumerate(mask.names):
        values = expander_properties(layers[place], weights[0][place])
        statistics |= {(layer, name, 0 if _is_weighted(name) else None): x for name, x in values.items()}
    for owner, further_weights in enumerate(weights[1:], start=1):
        statistics |= _weighted_statistics(mask.names, layers, further_weights, owner)
    return statistics


def _weighted_statistics(
    names: Sequence[str], layers: Sequence[np.ndarray], weights: Layers, owner: int = 0
) -> dict[Key, float]:
    """Return the statistics that depend on the kept weights."""
    return {
        (layer, name, owner): value
        for layer, is_kept, W in zip(names, layers, weights, strict=True)
        for name, value in expander_properties(is_kept, W).items()
        if _is_weighted(name)
    }


def _is_weighted(name: str) -> bool:
    """Return True if a statistic depends on the kept weights."""
    return name.startswith("weighted_")


def _relocated(
    mask: Layers, weights: Layers, random_mask: Sequence[np.ndarray], generator: np.random.Generator
) -> Layers:
    """Return each layer's kept weights, in random order where a random mask keeps."""
    moved = []
    for before, W, after in zip(mask, weights, random_mask, strict=True):
        values = np.zeros_like(W)
        values[after] = generator.permutation(W[before])
        moved.append(values)
    return tuple(moved)


def _by_text(statistics: dict[Key, float]) -> dict[str, float]:
    """Return statistics by text keys."""
    return {" ".join(map(str, key)): value for key, value in statistics.items()}
