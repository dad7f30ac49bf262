"""Classes of input pairs by presence in the training set, in either order.

    p  residues     ... leading axes: checkpoints, arms

The *swapped pair* of (x, y) is (y, x). A network that adds its two inputs gives both the same answer: once
the training set is memorised, a test pair whose swapped pair was trained on is right too. Only test pairs
whose swapped pair was not trained on measure generalization.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

__all__ = ["PAIR_CLASSES", "PairClasses", "class_means", "pair_classes"]

PAIR_CLASSES = ("common", "rare", "test_sym", "test_true")


@dataclass(frozen=True, kw_only=True)
class PairClasses:
    """Four disjoint classes of ordered pairs, as boolean masks.

    A pair (x, x) is its own swapped pair.
    """

    common: Bool[np.ndarray, "p p"]
    """The pair and its swapped pair are trained on."""
    rare: Bool[np.ndarray, "p p"]
    """The pair is trained on, its swapped pair is not."""
    test_sym: Bool[np.ndarray, "p p"]
    """The pair is not trained on, its swapped pair is."""
    test_true: Bool[np.ndarray, "p p"]
    """Neither the pair nor its swapped pair is trained on."""

    @property
    def memorization_plateau(self) -> float:
        """Test accuracy of a symmetric network that only memorized.

        |test_sym| / |test|; NaN if there is no test pair.
        """
        n_sym, n_true = int(self.test_sym.sum()), int(self.test_true.sum())
        n_test = n_sym + n_true
        return n_sym / n_test if n_test else np.nan


def pair_classes(train: Bool[np.ndarray, "p p"]) -> PairClasses:
    """Classify all ordered pairs by the training set.

    Parameters
    ----------
    train : Bool[np.ndarray, "p p"]
        Entry (x, y) is True if the pair is in the training set; all other pairs are the test set.

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
    .. [1] He et al., arXiv:2602.16849, memorization of common and rare pairs.

    Examples
    --------
    >>> classes = pair_classes(np.array([[True, True, False], [True, False, True], [False, False, False]]))
    >>> {name: int(getattr(classes, name).sum()) for name in PAIR_CLASSES}, classes.memorization_plateau
    ({'common': 3, 'rare': 1, 'test_sym': 1, 'test_true': 4}, 0.2)
    """
    trained = np.asarray(train)
    if trained.ndim != 2 or trained.shape[0] != trained.shape[1] or trained.dtype != np.bool_:
        raise ValueError(
            f"train: expected a square table of booleans, got shape {trained.shape}, type {trained.dtype}"
        )
    swapped = trained.T
    return PairClasses(
        common=trained & swapped,
        rare=trained & ~swapped,
        test_sym=~trained & swapped,
        test_true=~trained & ~swapped,
    )


def class_means(
    values: Shaped[np.ndarray, "*batch p p"], classes: PairClasses
) -> dict[str, Float[np.ndarray, "*batch"]]:
    """Mean of a quantity over each class of pairs.

    Parameters
    ----------
    values : Shaped[np.ndarray, "*batch p p"]
        A value per ordered pair: True if the answer is right (the mean is the accuracy), the loss, or the
        probability of the true class.
    classes : PairClasses
        From `pair_classes`.

    Returns
    -------
    dict[str, Float[np.ndarray, "*batch"]]
        By name in `PAIR_CLASSES`, in the units of `values`; NaN for a class without pairs.

    Raises
    ------
    ValueError
        If the last two axes of `values` do not have the shape of the classes.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (common before rare; splitting the test set by symmetry is ours).

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
        pairs = getattr(classes, name)
        n_pairs = np.count_nonzero(pairs)
        means[name] = np.asarray(values[..., pairs].sum(axis=-1) / (n_pairs if n_pairs else np.nan))
    return means
