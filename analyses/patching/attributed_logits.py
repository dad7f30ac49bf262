"""What the neurons of one checkpoint add to right and wrong logits, as means over pairs.

n  pairs      m  neurons      p  residues      K  frequencies
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyses.loading.residue_network import Activations
from interp.interventions.attribution import class_attribution, nearest_shift


class Attribution(NamedTuple):
    """Means over pairs of what a part adds to logits."""

    right: np.ndarray
    ghost: np.ndarray
    """NaN if no pair has a ghost."""
    neighbor: np.ndarray
    """NaN without a frequency."""
    mean: np.ndarray
    """To the mean of all logits."""


def of_neurons(
    found: Activations,
    output_map: np.ndarray,
    labels: np.ndarray,
    ghosts: np.ndarray,
    frequency: np.ndarray,
) -> Attribution:
    """Return the attribution of every neuron, (m,) each.

    Parameters
    ----------
    labels : array
        Right answers, (n,).
    ghosts : array
        Classes of the ghosts, (n, 2), −1 for none.
    frequency : array
        Of every neuron, (m,), 0 for none.
    """
    hidden, p = found.hidden, output_map.shape[1]
    right = class_attribution(hidden, output_map, labels).mean(axis=0)
    rows, places = np.nonzero(ghosts >= 0)
    ghost = np.full(len(output_map), np.nan)
    if len(rows):
        ghost = class_attribution(hidden[rows], output_map, ghosts[rows, places]).mean(axis=0)
    neighbor, shift = np.full(len(output_map), np.nan), nearest_shift(p)
    for k in np.unique(frequency[frequency > 0]):
        own, r = frequency == k, shift[k - 1]
        beside = [
            class_attribution(hidden[:, own], output_map[own], (labels + s) % p).mean(axis=0) for s in (-r, r)
        ]
        neighbor[own] = (beside[0] + beside[1]) / 2
    return Attribution(right, ghost, neighbor, hidden.mean(axis=0) * output_map.mean(axis=1))


def of_logits(logits: np.ndarray, labels: np.ndarray, ghosts: np.ndarray) -> Attribution:
    """Return the attribution of logits (n, p) as a whole."""
    rows, places = np.nonzero(ghosts >= 0)
    ghost = logits[rows, ghosts[rows, places]].mean() if len(rows) else np.nan
    right = logits[np.arange(len(labels)), labels].mean()
    return Attribution(right, np.asarray(ghost), np.asarray(np.nan), logits.mean())
