"""Mask shuffled within each layer: the control for layer densities."""

from __future__ import annotations

from interp.masks.random_masks import shuffled_mask
from training.pruning.method import Mask, Subject


def shuffled(subject: Subject) -> Mask:
    """Permute the source's mask within each weight matrix.

    Every layer keeps its exact count.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (random controls; within layers is stricter).
    """
    assert subject.source_mask is not None
    return shuffled_mask(subject.source_mask, subject.generator)
