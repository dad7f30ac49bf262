"""One round of iterative magnitude pruning."""

from __future__ import annotations

from training.pruning.method import Mask, Subject


def imp(subject: Subject) -> Mask:
    """Keep the largest |θ_t| among weights that the source kept.

    So the masks of a chain of such arms are nested.
    A chain of arms, each the next one's source, is the iteration; each arm's density is that of all weights,
    0.8ᵏ in round k if every round prunes 20 % of what remains. The first round's source is dense. `rounds`
    of a recipe's arm writes the chain. From the same source `magnitude` gives the same mask: the name says
    that a chain is meant.

    Raises
    ------
    CannotPrune
        If the density is above the source's, or as in `Subject.keep`.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (they prune by layer in small networks, globally in
       deep ones, and output layers at half the rate; here one scope for all).
    .. [2] Frankle et al., arXiv:1912.05671 (rewinding to step k; where an arm starts is not the mask's).
    """
    assert subject.final is not None
    return subject.keep({name: abs(w) for name, w in subject.final.items()})
