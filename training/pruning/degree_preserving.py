"""Degree-preserving rewiring of a mask: the control for hubs."""

from __future__ import annotations

import numpy as np

from interp.masks.random_masks import rewired_mask
from training.pruning.method import CannotPrune, Mask, Subject


def degree_preserving(subject: Subject, rounds: int = 10) -> Mask:
    """Rewire the source's mask at random, keeping every unit's degrees.

    Row sums and column sums of each weight matrix's mask stay.

    Parameters
    ----------
    subject : Subject
        Its `source_mask` is rewired; density and scope are that mask's.
    rounds : int
        Rounds of curveball trades, in each of which every unit of a matrix's smaller side trades once.

    Raises
    ------
    CannotPrune
        If no matrix has changed: the degrees leave no other mask, as with whole rows kept or pruned.

    References
    ----------
    .. [1] Strona et al., Nature Communications 5:4114 (2014) (curveball trades in place of edge swaps:
       the same uniform limit, fewer steps).
    .. [2] Carstens, Berger and Strona, arXiv:1609.05137 (all pairs of a round at once).
    """
    source = subject.source_mask
    assert source is not None
    mask = {name: _rewired(is_kept, subject.generator, rounds) for name, is_kept in source.items()}
    if all((mask[name] == source[name]).all() for name in mask):
        raise CannotPrune("no other mask has the source's degrees; use method shuffled instead")
    return mask


def _rewired(is_kept: np.ndarray, generator: np.random.Generator, rounds: int) -> np.ndarray:
    """Return a matrix's mask rewired; of attention, each head's."""
    if is_kept.ndim > 2:
        return np.stack([_rewired(head, generator, rounds) for head in is_kept])
    return rewired_mask(is_kept, generator, rounds)
