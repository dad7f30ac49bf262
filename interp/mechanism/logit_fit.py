"""Loss and margin of logits, and how well cosines of the distance to the true class describe them.

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
    """logits = sum_k amplitude_k cos(omega_k (label - c)), fitted by least squares."""

    amplitude: Float[np.ndarray, "*batch n"]
    """alpha_k, in the units of the logits, in the order of the frequencies; negative where they speak against
    the label."""
    r2: Float[np.ndarray, "*batch"]
    """Share of the logits' variance over classes, in [0, 1]; NaN where logits do not vary over classes."""
    loss: Float[np.ndarray, "*batch"]
    """Cross-entropy of the fitted logits, in nats; one number, since they are the same around every label."""


def checked_labels(
    labels: Int[np.ndarray, "..."], logits: Float[np.ndarray, "... p"]
) -> Int[np.ndarray, "..."]:
    """Return the labels, once each is known to be a class and they to fit the logits' examples.

    Parameters
    ----------
    labels : Int[np.ndarray, "..."]
        True class of each example.
    logits : Float[np.ndarray, "... p"]
        Axes (..., examples, class), or any array of such a shape.

    Returns
    -------
    Int[np.ndarray, "..."]
        The same values.

    Raises
    ------
    ValueError
        If there is no label, one is no whole number in 0..p-1, or the shapes do not fit.

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
            f"got labels of shape {label.shape} beside logits of shape {logits.shape}"
        )
    if not np.issubdtype(label.dtype, np.integer) or label.min() < 0 or label.max() >= p:
        raise ValueError(f"labels: expected whole numbers in 0..{p - 1}, got {label.min()}..{label.max()}")
    return label


def cross_entropy(
    logits: Float[np.ndarray, "... p"], labels: Int[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Minus the log probability of the true class, of every example, exact however confident it is.

    log(1 + sum over the other classes of exp(logit - true logit)): a loss of 1e-30 is summed from margins,
    where one minus a probability would have lost it.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p"]
        Axes (..., examples, class).
    labels : Int[np.ndarray, "..."]
        True class of each example, 0..p-1; its shape is that of the examples.

    Returns
    -------
    Float[np.ndarray, "..."]
        Nats, float64, axes (..., examples), at least 0. Mean over the examples wanted (all, train, test): by
        the caller.

    Raises
    ------
    ValueError
        If p is even or below 3, `logits` is not finite, or `labels` leaves 0..p-1 or does not fit.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217 (log-softmax in float64, against rounding at small losses; from
       margins here).

    Examples
    --------
    >>> print(cross_entropy(np.array([[0.0, 0.0, 0.0], [70.0, 0.0, -9.0]]), np.array([1, 0])))
    [1.09861229e+00 3.97594035e-31]
    """
    x = checked_map(logits, "logits")
    index = np.broadcast_to(checked_labels(labels, x), x.shape[:-1])[..., None]
    margins = x - np.take_along_axis(x, index, axis=-1)
    np.put_along_axis(margins, index, -np.inf, axis=-1)
    base = np.maximum(margins.max(axis=-1), 0)  # nothing overflows
    margins -= base[..., None]
    others = np.exp(margins, out=margins).sum(axis=-1)
    return np.asarray(base + np.log1p(np.expm1(-base) + others))


def logit_margin(
    logits: Float[np.ndarray, "... p"], labels: Int[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Logit of the true class less the largest other one, of every example.

    An example is right where its margin is above 0; a tie is wrong, so that a network that says nothing is
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
    .. [1] He et al., arXiv:2602.16849 (margin of the flawed indicator, least over examples there).

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
    """Amplitudes of logits = sum_k alpha_k cos(omega_k (label - c)), and how good a description that is.

    The cosines are orthogonal over the classes of each example, so alpha_k is 2/p times the mean over
    examples of sum_c logit cos(omega_k (label - c)), whichever examples and labels there are.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p"]
        Axes (..., a, b, class), or (..., examples, class) with `labels`.
    frequencies : Int[np.ndarray, " n"]
        Different, each in 1..K.
    labels : Int[np.ndarray, "..."], optional
        True class of each example, 0..p-1. By default a + b mod p.

    Returns
    -------
    CosineFit
        Amplitudes, R^2 and loss. R^2 is relative to the logits less their mean over classes, of each
        example: what the loss sees. It is pooled over examples, and a class's bias counts as unexplained.

    Raises
    ------
    ValueError
        If p is even or below 3, `logits` is not finite, `labels` leaves 0..p-1 or does not fit, or a
        frequency leaves 1..K or comes twice.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.2 (all pairs, addition; any labels here).

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
