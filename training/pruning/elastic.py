"""A ticket made deeper or shallower: its layers copied, repeated or left out by an explicit map."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from training.architectures.registry import prunable
from training.pruning.method import Mask, Subject


def elastic(subject: Subject) -> Mask:
    """Stretch or squeeze the source's mask in depth: layer by layer, as `subject.layers` says.

    The arm's θ₀ is copied from its source's by the same map, so a repeated layer begins as the same weights
    under the same mask.

    References
    ----------
    .. [1] Chen et al., arXiv:2103.16547, Sec. 3 (they replicate or drop residual blocks and compare which;
       here every layer is named).
    """
    assert subject.source_mask is not None and subject.layers is not None
    return copied(subject.source_mask, prunable(subject.layers))


def copied(arrays: Mapping[str, np.ndarray], layers: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Every layer's own copy of the array of the layer that it is mapped to.

    Examples
    --------
    >>> deeper = {"W_0": "W_0", "W_1": "W_1", "W_2": "W_1", "W_3": "W_2"}
    >>> {to: w.item() for to, w in copied({f"W_{i}": np.array(i) for i in range(3)}, deeper).items()}
    {'W_0': 0, 'W_1': 1, 'W_2': 1, 'W_3': 2}
    """
    return {to: arrays[of].copy() for to, of in layers.items()}
