"""Zhou et al.'s mask criteria, scored on initial and final weights.

Each comes in a second version, `…_same_sign`, that keeps no weight whose sign has changed.

Shape letters: n = weights that compete: all of the network or all of a matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from training.pruning.method import Mask, Subject, Weights, require_finite
from training.schema.descriptions import first_line

Vector = Float[np.ndarray, " n"]


def large_final(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the largest |w_f|, as `magnitude` does."""
    return abs(w_f)


def small_final(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the smallest |w_f|, which magnitude pruning removes."""
    return -abs(w_f)


def large_init(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the largest |w_i|, which knows no training."""
    return abs(w_i)


def small_init(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the smallest |w_i|, which knows no training."""
    return -abs(w_i)


def large_init_large_final(w_i: Vector, w_f: Vector) -> Vector:
    """Keep weights with both |w_i| and |w_f| large.

    The score is the smaller of the ranks of |w_i| and |w_f|. The paper writes min(α|w_f|, |w_i|); its code
    keeps weights above one percentile in both, chosen so that the intended number is left. That is the order
    of the smaller rank, and ranks need no α.
    """
    return np.minimum(_rank(abs(w_i)), _rank(abs(w_f)))


def magnitude_increase(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the largest |w_f| − |w_i|."""
    return abs(w_f) - abs(w_i)


def movement(w_i: Vector, w_f: Vector) -> Vector:
    """Keep the largest |w_f − w_i|."""
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
    """Return the pruning method that keeps a criterion's largest scores.

    Scores are taken in float64 from θ₀ (w_i) and the source's last weights (w_f).

    Parameters
    ----------
    criterion_name : str
        Of `CRITERIA`.
    same_sign : bool
        Keep only weights with sign(w_i) = sign(w_f); the method raises `CannotPrune` if there are too few.

    Returns
    -------
    Callable[[Subject], Mask]
        Raises `CannotPrune` if a weight is not finite, or as `Subject.keep` does.

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
            joined = score(np.concatenate(list(initial.values())), np.concatenate(list(final.values())))
            scores = dict(zip(initial, np.split(joined, ends), strict=True))
        if same_sign:
            for name, w_i in initial.items():
                same = np.sign(w_i) == np.sign(final[name])
                scores[name] = np.where(same, scores[name], -np.inf)
        return subject.keep({name: s.reshape(subject.initial[name].shape) for name, s in scores.items()})

    method.__doc__ = f"{first_line(score)}, and an unchanged sign." if same_sign else score.__doc__
    return method


def _vectors(weights: Weights) -> dict[str, np.ndarray]:
    require_finite(weights)
    return {name: w.ravel().astype(np.float64) for name, w in weights.items()}


def _rank(sizes: Vector) -> Vector:
    """Return the share of entries that are smaller, per entry."""
    return np.searchsorted(np.sort(sizes), sizes) / sizes.size
