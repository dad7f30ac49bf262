"""Loss and margin of logits, and their fit by cosines.

p  classes, residues, odd and at least 3     n  frequencies fitted     K  frequencies, (p - 1) / 2
examples  axes of `labels`: all ordered pairs (p, p), or a list such as the training pairs
... leading axes: checkpoints, arms
"""

from dataclasses import dataclass

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

from interp.spectra.fourier import RELATIVE_ROUNDING, checked_map, fourier_waves

__all__ = ["CosineFit", "checked_labels", "cosine_fit", "cross_entropy", "logit_margin"]


@dataclass(frozen=True, kw_only=True)
class CosineFit:
    """Least-squares fit of logits by cosines around the label.

    logits = sum_k amplitude_k cos(omega_k (label - c)) for class c.
    """

    amplitude: Float[np.ndarray, "*batch n"]
    """alpha_k, in the units of the logits, in the order of the frequencies. A negative amplitude lowers the
    label's logit."""
    r2: Float[np.ndarray, "*batch"]
    """Share of the logits' variance over classes that the fit explains, in [0, 1]; NaN if there is none."""
    loss: Float[np.ndarray, "*batch"]
    """Cross-entropy of the fitted logits, in nats. It is equal for all examples, as the fit depends only on
    label - c."""


def checked_labels(
    labels: Int[np.ndarray, "..."], logits: Float[np.ndarray, "... p"]
) -> Int[np.ndarray, "..."]:
    """Return labels after checking their values and shape.

    Parameters
    ----------
    labels : Int[np.ndarray, "..."]
        True class of each example.
    logits : Float[np.ndarray, "... p"]
        Axes (..., examples, class). Only the shape is used.

    Returns
    -------
    Int[np.ndarray, "..."]
        Equal to `labels`.

    Raises
    ------
    ValueError
        If there is no label, a label is not a whole number in 0..p-1, or the shape of `labels` is not that of
        the examples.

    References
    ----------
    .. [1] Classes 0..p-1, as in `cross_entropy`.

    Examples
    --------
    >>> checked_labels(np.array([2, 0]), np.zeros((2, 3))).tolist()
    [2, 0]
    """
    label, p = np.asarray(labels), logits.shape[-1]
    if label.size == 0 or logits.shape[-1 - label.ndim : -1] != label.shape:
        raise ValueError(
            f"labels: expected the shape of the logits' examples, (..., *labels.shape, p), and at least one, "
            f"got labels of shape {label.shape} and logits of shape {logits.shape}"
        )
    if not np.issubdtype(label.dtype, np.integer) or label.min() < 0 or label.max() >= p:
        raise ValueError(f"labels: expected whole numbers in 0..{p - 1}, got {label.min()}..{label.max()}")
    return label


def cross_entropy(
    logits: Float[np.ndarray, "... p"], labels: Int[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Cross-entropy of every example, accurate down to tiny losses.

    Minus the log probability of the true class, computed as
    log(1 + sum over the other classes of exp(logit - true logit)). A loss of 1e-30 keeps its digits, which
    one minus a probability would lose.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p"]
        Axes (..., examples, class).
    labels : Int[np.ndarray, "..."]
        True class of each example, 0..p-1; its shape is that of the examples.

    Returns
    -------
    Float[np.ndarray, "..."]
        Nats, float64, axes (..., examples), at least 0. The caller takes the mean over examples (all, train
        or test).

    Raises
    ------
    ValueError
        If p is even or below 3, `logits` is not finite, or as `checked_labels`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217 (there log-softmax in float64 for accuracy at small losses).

    Examples
    --------
    >>> print(cross_entropy(np.array([[0.0, 0.0, 0.0], [70.0, 0.0, -9.0]]), np.array([1, 0])))
    [1.09861229e+00 3.97594035e-31]
    """
    x = checked_map(logits, "logits")
    index = np.broadcast_to(checked_labels(labels, x), x.shape[:-1])[..., None]
    margins = x - np.take_along_axis(x, index, axis=-1)
    np.put_along_axis(margins, index, -np.inf, axis=-1)
    base = np.maximum(margins.max(axis=-1), 0)  # subtracted so that no exponential overflows
    margins -= base[..., None]
    others = np.exp(margins, out=margins).sum(axis=-1)
    return np.asarray(base + np.log1p(np.expm1(-base) + others))


def logit_margin(
    logits: Float[np.ndarray, "... p"], labels: Int[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Logit of the true class less the largest other logit.

    An example is right if its margin is above 0. A tie counts as wrong, so a network with constant logits is
    never right. Accuracy is the share of margins above 0.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p"]
        Axes (..., examples, class).
    labels : Int[np.ndarray, "..."]
        True class of each example, 0..p-1; its shape is that of the examples.

    Returns
    -------
    Float[np.ndarray, "..."]
        In the units of the logits, axes (..., examples).

    Raises
    ------
    ValueError
        As `cross_entropy`.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (margin of the flawed indicator; there the minimum over examples).

    Examples
    --------
    >>> print(logit_margin(np.array([[2.0, 0.0, 0.5], [1.0, 1.0, 0.0]]), np.array([0, 1])))
    [1.5 0. ]
    """
    x = checked_map(logits, "logits")
    index = np.broadcast_to(checked_labels(labels, x), x.shape[:-1])[..., None]
    true = np.take_along_axis(x, index, axis=-1)
    others = x.copy()
    np.put_along_axis(others, index, -np.inf, axis=-1)
    return np.asarray(true[..., 0] - others.max(axis=-1))


def cosine_fit(
    logits: Float[np.ndarray, "... p"],
    frequencies: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, "..."] | None = None,
) -> CosineFit:
    """Fit logits by cosines of the distance to the label.

    The model is logits = sum_k alpha_k cos(omega_k (label - c)). The cosines are orthogonal over the classes
    of each example, so alpha_k is 2/p times the mean over examples of sum_c logit cos(omega_k (label - c)),
    for any examples and labels.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p"]
        Axes (..., a, b, class), or (..., examples, class) with `labels`.
    frequencies : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once.
    labels : Int[np.ndarray, "..."], optional
        True class of each example, 0..p-1. By default a + b mod p.

    Returns
    -------
    CosineFit
        Amplitudes, R^2 and loss. R^2 is relative to the logits less each example's mean over classes, which
        the loss does not depend on. It is pooled over examples; a bias of a class counts as unexplained.

    Raises
    ------
    ValueError
        If p is even or below 3, `logits` is not finite, a frequency is outside 1..K or repeated, or as
        `checked_labels`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.2 (there all pairs and addition; here any labels).

    Examples
    --------
    >>> a = np.arange(7)
    >>> logits = 5 * np.cos(2 * np.pi * 2 * (a[:, None, None] + a[:, None] - a) / 7)
    >>> fit = cosine_fit(logits, np.array([2, 3]))
    >>> print(fit.amplitude.round(9) + 0.0, fit.r2.round(9), fit.loss.round(4))
    [5. 0.] 1.0 0.2692
    """
    x = checked_map(logits, "logits")
    p = x.shape[-1]
    if labels is None:
        labels = np.add.outer(np.arange(p), np.arange(p)) % p
    label = checked_labels(labels, x)
    x = x.reshape(*x.shape[: x.ndim - label.ndim - 1], label.size, p)  # (..., examples, p)
    waves = fourier_waves(frequencies, p)  # (n, 2, p)
    by_wave = rearrange(waves[..., label.ravel()], "n i e -> (n i) e") @ x  # (..., 2 n, p)
    amplitude = np.einsum("...nip,nip->...n", rearrange(by_wave, "... (n i) p -> ... n i p", i=2), waves)
    amplitude /= label.size
    variance = x.var(axis=-1).mean(axis=-1)  # (...)
    flat = variance <= (RELATIVE_ROUNDING * np.abs(x).max(axis=(-1, -2))) ** 2
    around_label = amplitude @ (np.sqrt(p / 2) * waves[:, 0])  # (..., p), true class at 0
    return CosineFit(
        amplitude=amplitude,
        r2=np.asarray((amplitude**2).sum(axis=-1) / 2 / np.where(flat, np.nan, variance)),
        loss=cross_entropy(around_label, np.zeros((), dtype=np.int64)),
    )
