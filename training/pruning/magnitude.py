"""Magnitude pruning of a trained network: the grokked ticket's mask."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def magnitude(subject: Subject) -> Mask:
    """Keep the largest |θ_t| of the trained source.

    The scope says whether one threshold serves all matrices or each has its own.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3 (one threshold for all weights).
    """
    assert subject.final is not None
    return subject.keep({name: abs(w) for name, w in subject.final.items()})
