"""Keep the weights of largest magnitude in a trained network: the grokked ticket's mask."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def magnitude(subject: Subject) -> Mask:
    """Keep the largest |θ_t|, by one threshold or one per matrix.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3 (one threshold for all weights).
    """
    assert subject.final is not None
    return subject.keep({name: abs(w) for name, w in subject.final.items()})
