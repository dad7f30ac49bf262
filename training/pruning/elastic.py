"""Ticket stretched or squeezed in depth by a map of layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.models.weight_names import prunable
from training.pruning.method import Mask, Subject


def elastic(subject: Subject) -> Mask:
    """Copy the source's mask layer by layer, stretched or squeezed in depth.

    `subject.layers` names the source layer of each layer. The arm's θ₀ is copied from its source's by this
    map too, so a repeated layer has equal initial weights and equal masks.

    References
    ----------
    .. [1] Chen et al., arXiv:2103.16547, Sec. 3 (they replicate or drop residual blocks and compare which;
       here every layer is named).
    """
    assert subject.source_mask is not None and subject.layers is not None
    return copied(subject.source_mask, prunable(subject.layers))


def copied(arrays: Mapping[str, np.ndarray], layers: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return a copy of the mapped layer's array for every layer.

    Examples
    --------
    >>> deeper = {"W_0": "W_0", "W_1": "W_1", "W_2": "W_1", "W_3": "W_2"}
    >>> {to: w.item() for to, w in copied({f"W_{i}": np.array(i) for i in range(3)}, deeper).items()}
    {'W_0': 0, 'W_1': 1, 'W_2': 1, 'W_3': 2}
    """
    return {to: arrays[of].copy() for to, of in layers.items()}
