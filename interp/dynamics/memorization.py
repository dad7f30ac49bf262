"""Which pairs a network has met in training, in either order, and how right it is on each kind.

    p  residues     ... leading axes: checkpoints, arms

A network that adds its two inputs cannot tell (x, y) from (y, x): it knows a test pair whose other order was
trained on as soon as it has memorised. Only the pairs met in neither order measure generalisation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

__all__ = ["PAIR_CLASSES", "PairClasses", "class_means", "pair_classes"]

PAIR_CLASSES = ("common", "rare", "test_sym", "test_true")


@dataclass(frozen=True, kw_only=True)
class PairClasses:
    """Every ordered pair in one of four classes; a pair (x, x) is its own other order."""

    common: Bool[np.ndarray, "p p"]
    """Trained on, and so is its other order."""
    rare: Bool[np.ndarray, "p p"]
    """Trained on, its other order not."""
    test_sym: Bool[np.ndarray, "p p"]
    """Not trained on, its other order is."""
    test_true: Bool[np.ndarray, "p p"]
    """Neither trained on."""

    @property
    def memorization_plateau(self) -> float:
        """|test_sym| / |test|: test accuracy of a symmetric network that has memorised and no more.

        NaN if there is no test pair.
        """
        n_sym, n_true = int(self.test_sym.sum()), int(self.test_true.sum())
        n_test = n_sym + n_true
        return n_sym / n_test if n_test else np.nan


def pair_classes(train: Bool[np.ndarray, "p p"]) -> PairClasses:
    """Sort all ordered pairs by whether they and their other order are trained on.

    Parameters
    ----------
    train : Bool[np.ndarray, "p p"]
        Entry (x, y): whether the pair is in the training set; the others are the test set.

    Returns
    -------
    PairClasses
        Four masks; every pair is in exactly one.

    Raises
    ------
    ValueError
        If `train` is not square or not boolean.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, memorisation of common and rare pairs.

    Examples
    --------
    >>> classes = pair_classes(np.array([[True, True, False], [True, False, True], [False, False, False]]))
    >>> {name: int(getattr(classes, name).sum()) for name in PAIR_CLASSES}, classes.memorization_plateau
    ({'common': 3, 'rare': 1, 'test_sym': 1, 'test_true': 4}, 0.2)
    """
    own = np.asarray(train)
    if own.ndim != 2 or own.shape[0] != own.shape[1] or own.dtype != np.bool_:
        raise ValueError(
            f"train: expected a square table of booleans, got shape {own.shape}, type {own.dtype}"
        )
    other = own.T
    return PairClasses(common=own & other, rare=own & ~other, test_sym=~own & other, test_true=~own & ~other)


def class_means(
    values: Shaped[np.ndarray, "*batch p p"], classes: PairClasses
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """Mean over each class of pairs: of what is right, its accuracy.

    Parameters
    ----------
    values : Shaped[np.ndarray, "*batch p p"]
        A number for every ordered pair: whether it is right, its loss, the probability of its true class.
    classes : PairClasses
        From `pair_classes`.

    Returns
    -------
    dict[str, Float[np.ndarray, "*batch"]]
        By the names of `PAIR_CLASSES`, in the units of `values`; NaN for a class without pairs.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (common before rare; the test set split by symmetry here).

    Examples
    --------
    >>> sums = np.add.outer(np.arange(3), np.arange(3)) % 3
    >>> classes = pair_classes(np.tri(3, dtype=bool))
    >>> accuracy = class_means(np.where(np.eye(3, dtype=bool), sums, 0) == sums, classes)
    >>> {name: round(float(value), 2) for name, value in accuracy.items()}
    {'common': 1.0, 'rare': 0.33, 'test_sym': 0.33, 'test_true': nan}
    """
    shape = classes.common.shape
    if np.shape(values)[-2:] != shape:
        raise ValueError(f"values: expected shape (..., {shape[0]}, {shape[1]}), got {np.shape(values)}")
    means = {}
    for name in PAIR_CLASSES:
        chosen = getattr(classes, name)
        size = np.count_nonzero(chosen)
        means[name] = np.asarray(values[..., chosen].sum(axis=-1) / (size if size else np.nan))
    return means
