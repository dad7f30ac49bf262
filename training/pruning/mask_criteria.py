"""Masks from a network's start and its end: Zhou et al.'s criteria, each also for weights of unchanged sign.

Shape letters: n = weights that compete: all of the network or all of a matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from training.pruning.method import Mask, Subject, Weights, require_finite

Vector = Float[np.ndarray, " n"]


def large_final(w_i: Vector, w_f: Vector) -> Vector:
    """|w_f|: `magnitude`, under the name it has here."""
    return abs(w_f)


def small_final(w_i: Vector, w_f: Vector) -> Vector:
    """−|w_f|: keeps what magnitude pruning throws away."""
    return -abs(w_f)


def large_init(w_i: Vector, w_f: Vector) -> Vector:
    """|w_i|: no training in it."""
    return abs(w_i)


def small_init(w_i: Vector, w_f: Vector) -> Vector:
    """−|w_i|."""
    return -abs(w_i)


def large_init_large_final(w_i: Vector, w_f: Vector) -> Vector:
    """The smaller of the ranks of |w_i| and |w_f|: both must be large.

    The paper writes min(α|w_f|, |w_i|); its code keeps what is above the same percentile in both, the one
    that leaves the number wanted. That is the order of the smaller rank, and ranks need no α.
    """
    return np.minimum(_rank(abs(w_i)), _rank(abs(w_f)))


def magnitude_increase(w_i: Vector, w_f: Vector) -> Vector:
    """|w_f| − |w_i|."""
    return abs(w_f) - abs(w_i)


def movement(w_i: Vector, w_f: Vector) -> Vector:
    """|w_f − w_i|."""
    return abs(w_f - w_i)


Criterion = Callable[[Vector, Vector], Vector]
CRITERIA_OF_START: dict[str, Criterion] = {"large_init": large_init, "small_init": small_init}
"""Criteria that score initial weights alone."""
CRITERIA: dict[str, Criterion] = {
    "large_final": large_final,
    "small_final": small_final,
    **CRITERIA_OF_START,
    "large_init_large_final": large_init_large_final,
    "magnitude_increase": magnitude_increase,
    "movement": movement,
}


def criterion(criterion_name: str, same_sign: bool = False) -> Callable[[Subject], Mask]:
    """The pruning method that keeps the largest scores of a criterion.

    Scores are taken in float64 from θ₀ (w_i) and the source's last weights (w_f).

    Parameters
    ----------
    criterion_name : str
        Of `CRITERIA`.
    same_sign : bool
        Keep only weights with sign(w_i) = sign(w_f); the method raises `CannotPrune` if there are fewer than
        are to be kept.

    Returns
    -------
    Callable[[Subject], Mask]
        It raises `CannotPrune` if a weight is not finite, or as `Subject.keep` does.

    References
    ----------
    .. [1] Zhou et al., arXiv:1905.01067, Sec. 2. They prune by layer, each at its own rate; here `scope`
       says. A weight of changed sign gets score 0 in their code, so it may be kept (and comes before one
       of unchanged sign that has shrunk, in magnitude_increase); here it never is. Equal scores: the lower
       index, theirs at random.
    """
    score = CRITERIA[criterion_name]

    def method(subject: Subject) -> Mask:
        assert subject.final is not None
        initial = _vectors(subject.prunable)
        final = _vectors({name: subject.final[name] for name in initial})
        if subject.scope == "layer":
            scores = {name: score(w_i, final[name]) for name, w_i in initial.items()}
        else:
            ends = np.cumsum([w.size for w in initial.values()])[:-1]
            of_all = score(np.concatenate(list(initial.values())), np.concatenate(list(final.values())))
            scores = dict(zip(initial, np.split(of_all, ends), strict=True))
        if same_sign:
            for name, w_i in initial.items():
                same = np.sign(w_i) == np.sign(final[name])
                scores[name] = np.where(same, scores[name], -np.inf)
        return subject.keep({name: s.reshape(subject.initial[name].shape) for name, s in scores.items()})

    return method


def _vectors(weights: Weights) -> dict[str, np.ndarray]:
    require_finite(weights)
    return {name: w.ravel().astype(np.float64) for name, w in weights.items()}


def _rank(sizes: Vector) -> Vector:
    """Share of the entries that are smaller."""
    return np.searchsorted(np.sort(sizes), sizes) / sizes.size
