"""What is measured on one mask. Imported by every worker, so it imports no more than it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analyses.running.process_pool import spread
from interp.graphs.expander_spectrum import expander_properties
from interp.graphs.graph_measures import properties
from interp.graphs.mask_graph import Construction
from interp.graphs.null_models import NullComparison, NullKind, compare_with_null, null_masks

CONSTRUCTIONS: tuple[Construction, ...] = ("layered", "folded")
NULLS: tuple[NullKind, ...] = ("density", "degree")
Layers = tuple[np.ndarray, ...]
"""Masks, or weights, from input to output."""

Key = tuple[str, str, int | None]
"""Where it was measured (a construction or a layer), the statistic's name, and for a weighted one whose
weights: a place in `MaskTask.weights`."""


@dataclass(frozen=True)
class MaskTask:
    """A mask to measure, and the weights that it kept in different networks."""

    names: tuple[str, ...]
    layers: Layers
    graph: tuple[str, ...]
    """Names of the layers whose masks make the graph, input to output."""
    weights: list[Layers] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """The same for equal masks, whatever the weights."""
        digest = hashlib.sha256(repr([layer.shape for layer in self.layers]).encode())
        for layer in self.layers:
            digest.update(np.packbits(layer).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class WeightsTask:
    """A mask measured elsewhere, of which only what depends on these weights is wanted."""

    names: tuple[str, ...]
    layers: Layers
    weights: Layers


@dataclass(frozen=True)
class Measured:
    """Every statistic of one mask, and by kind of null its comparison."""

    observed: dict[Key, float]
    nulls: dict[str, dict[Key, NullComparison]]


def measure_masks(
    masks: Sequence[MaskTask], others: Sequence[WeightsTask], n_nulls: int, seed: int, jobs: int
) -> tuple[list[Measured], list[dict[Key, float]]]:
    """All statistics of every mask, and what depends on the weights of the others; by so many processes.

    The random masks depend on `seed` and the mask alone, not on the processes.
    """
    everything: list[MaskTask | WeightsTask] = [*masks, *others]
    tasks = [(task, n_nulls, seed) for task in everything]
    found = list(spread(_measure, tasks, jobs, "masks"))
    return found[: len(masks)], [measured.observed for measured in found[len(masks) :]]


def _measure(task: tuple[MaskTask | WeightsTask, int, int]) -> Measured:
    mask, n_nulls, seed = task
    if isinstance(mask, WeightsTask):
        return Measured(_of_weights(mask.names, mask.layers, mask.weights), {})
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
    return Measured(observed, nulls)


def _statistics(mask: MaskTask, layers: Sequence[np.ndarray], weights: Sequence[Layers]) -> dict[Key, float]:
    found: dict[Key, float] = {}
    chain = [layers[mask.names.index(name)] for name in mask.graph]
    for construction in CONSTRUCTIONS:
        if construction == "folded" and chain[0].shape[0] != chain[-1].shape[1]:
            continue
        values = properties(chain, construction)
        found |= {(construction, name, None): value for name, value in values.items()}
    for place, layer in enumerate(mask.names):
        values = expander_properties(layers[place], weights[0][place])
        found |= {(layer, name, 0 if _weighted(name) else None): value for name, value in values.items()}
    for owner, own in enumerate(weights[1:], start=1):
        found |= _of_weights(mask.names, layers, own, owner)
    return found


def _of_weights(
    names: Sequence[str], layers: Sequence[np.ndarray], weights: Layers, owner: int = 0
) -> dict[Key, float]:
    return {
        (layer, name, owner): value
        for layer, kept, W in zip(names, layers, weights, strict=True)
        for name, value in expander_properties(kept, W).items()
        if _weighted(name)
    }


def _weighted(name: str) -> bool:
    return name.startswith("weighted_")


def _relocated(
    own: Layers, weights: Layers, layers: Sequence[np.ndarray], generator: np.random.Generator
) -> Layers:
    """The kept weights of each layer in random order at the places that a random mask keeps."""
    moved = []
    for before, W, after in zip(own, weights, layers, strict=True):
        values = np.zeros_like(W)
        values[after] = generator.permutation(W[before])
        moved.append(values)
    return tuple(moved)


def _by_text(statistics: dict[Key, float]) -> dict[str, float]:
    return {" ".join(map(str, key)): value for key, value in statistics.items()}
