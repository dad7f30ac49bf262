"""Random mask: the control for sparsity alone."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def random(subject: Subject) -> Mask:
    """Keep a uniformly random set of weights.

    Scores are U(0, 1), one draw per weight in the order of `prunable`.
    With global scope layers end near, not at, the same density: `interp.masks.random_masks.random_mask` makes
    this draw. With layer scope they have it exactly.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (random tickets as a control).
    """
    return subject.keep({name: subject.generator.random(w.shape) for name, w in subject.prunable.items()})
