"""Masks of a network at its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from interp.masks.topk import magnitude_mask
from training.models.weight_names import prunable

if TYPE_CHECKING:
    from training.inspection.trained_network import Network


def checkpoint_masks(network: Network, weights: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Return a mask per checkpoint.

    A pruned arm has its mask at every checkpoint, an arm with trained scores the mask they choose then, a
    dense arm the magnitude mask of its weights at the recipe's sparsity.

    Parameters
    ----------
    weights : mapping
        As `Network.weights()` returns them: they need not be read twice.
    """
    mask = network.mask
    n_steps, matrices = len(network.steps), prunable(weights)
    if network.recipe.arms[network.arm].trains_scores:
        return [{name: w[t] != 0 for name, w in matrices.items()} for t in range(n_steps)]
    if mask is not None:
        return [mask] * n_steps
    pruning = network.recipe.pruning
    return [
        magnitude_mask({name: w[t] for name, w in matrices.items()}, 1 - pruning.sparsity, pruning.scope)
        for t in range(n_steps)
    ]


def masks_change(network: Network) -> bool:
    """Return True if a network's masks differ between checkpoints."""
    return network.mask is None or network.recipe.arms[network.arm].trains_scores
