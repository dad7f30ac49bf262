"""Progress measures of any network: restricted, excluded and fitted loss.

    p  residues, odd and at least 3     n  examples, pairs with a label     k  key frequencies
    c  classes, odd and at least 3

The logits are needed on all ordered pairs; losses are means over the examples, in nats.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from interp.mechanism.fourier_ablation import OPERATORS
from interp.mechanism.logit_fit import CosineFit, cosine_fit
from interp.pairs.evaluation import Network, pair_grid
from interp.pairs.losses import SUM, checked_examples, excluded_loss, pair_loss, restricted_loss

__all__ = ["ProgressLosses", "progress_losses"]


@dataclass(frozen=True, kw_only=True)
class ProgressLosses:
    """Losses of one network, with and without its key frequencies.

    Each is a mean in nats. NaN where it cannot be taken: `train_loss` and both excluded ones without a known
    training set, `test_loss` without a test set, `sum2` and both excluded ones if no sum gives the labels.
    """

    train_loss: float
    test_loss: float
    all_loss: float
    restricted: Mapping[str, float]
    """Loss of the restricted logits over all examples, by operator (`restricted_logits`)."""
    excluded: float
    """Loss over the training examples without the sum waves of all key frequencies."""
    excluded_by_frequency: Float[np.ndarray, " k"]
    """The same without those of one key frequency."""
    fit: CosineFit
    """Fit of the logits by cosines at the key frequencies: amplitudes, R^2 and loss."""


def progress_losses(
    network: Network,
    frequencies: Int[np.ndarray, " k"],
    p: int | None = None,
    pairs: Int[np.ndarray, "n 2"] | None = None,
    labels: Int[np.ndarray, " n"] | None = None,
    signs: tuple[int, int] | None = SUM,
    is_train: Bool[np.ndarray, " n"] | None = None,
) -> ProgressLosses:
    """Progress measures of a network that concern its loss.

    They are those of `python -m analyses.progress`, for any network.

    Parameters
    ----------
    network, p, pairs, labels, signs
        As `pair_loss`. Signs of None: no sum gives the labels, which are then needed.
    frequencies : Int[np.ndarray, " k"]
        Key frequencies in 1..K, each at most once. Published curves have those of the trained network at
        every checkpoint.
    is_train : Bool[np.ndarray, " n"], optional
        True for each example that was trained on. By default it is not known.

    Returns
    -------
    ProgressLosses
        Means over the examples.

    Raises
    ------
    ValueError
        As `pair_loss`, `restricted_logits` and `cosine_fit`; or if `is_train` has not one entry per example,
        or is True for none.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5.

    Examples
    --------
    >>> from interp.pairs.evaluation import all_pairs
    >>> distance = all_pairs(7).sum(axis=1, keepdims=True) - np.arange(7)
    >>> losses = progress_losses(5 * np.cos(2 * np.pi * 2 * distance / 7), np.array([2]))
    >>> round(losses.all_loss, 4), round(losses.restricted["sum2"], 4), float(losses.fit.r2.round(9))
    (0.2692, 0.2692, 1.0)
    """
    logits = pair_grid(network, p)
    ab, label = checked_examples(len(logits), pairs, labels, signs)
    rows, keys = np.stack(ab, axis=1), np.asarray(frequencies)
    train = _training_rows(is_train, len(label))

    def loss(chosen: Bool[np.ndarray, " n"] | None) -> float:
        if chosen is None or not chosen.any():
            return np.nan
        return pair_loss(logits, pairs=rows[chosen], labels=label[chosen])

    def excluded(without: Int[np.ndarray, " k"]) -> float:
        if train is None:
            return np.nan
        return excluded_loss(logits, without, pairs=rows[train], labels=label[train], signs=signs)

    return ProgressLosses(
        train_loss=loss(train),
        test_loss=loss(None if train is None else ~train),
        all_loss=loss(np.full(len(label), True)),
        restricted={
            name: restricted_loss(logits, keys, name, pairs=rows, labels=label, signs=signs)
            for name in OPERATORS
        },
        excluded=excluded(keys),
        excluded_by_frequency=np.array([excluded(keys[[i]]) for i in range(len(keys))]),
        fit=cosine_fit(logits[ab], keys, label),
    )


def _training_rows(is_train: Bool[np.ndarray, " n"] | None, n: int) -> Bool[np.ndarray, " n"] | None:
    """Training examples after checking them; None if they are not known."""
    if is_train is None:
        return None
    train = np.asarray(is_train)
    if train.shape != (n,) or train.dtype != np.bool_ or not train.any():
        raise ValueError(
            f"is_train: expected True or False for each of {n} examples, True for some, "
            f"got {int(np.count_nonzero(train))} of shape {train.shape} and type {train.dtype}"
        )
    return train
