"""Which frequencies a trained network computes with, by three published rules.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     n  key frequencies found
    a, b  the two inputs, residues      d_model, d_mlp  widths
    ...  leading axes: neurons, checkpoints

The rules look at different parts of a network (embedding, neuron-logit map, activations) and need not
agree; a result always names its rule.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from interp.spectra.fourier import RELATIVE_ROUNDING, checked_map
from interp.spectra.pair_spectrum import BLOCK, spectrum_2d
from interp.spectra.weight_spectrum import frequency_norms

__all__ = [
    "KEY_RULES",
    "activation_frequency",
    "embedding_key_frequencies",
    "key_frequencies",
    "key_frequencies_by_rule",
    "logit_key_frequencies",
    "neuron_key_frequencies",
]


def embedding_key_frequencies(
    W_E: Float[np.ndarray, "p d_model"], threshold: float = 0.5
) -> Int[np.ndarray, " n"]:
    """Frequencies whose part of the embedding has at least `threshold` times the largest norm.

    Parameters
    ----------
    W_E : Float[np.ndarray, "p d_model"]
        Embedding, a row per residue; rows of other tokens (such as =) left out by the caller.
    threshold : float
        Fraction of the largest of the K `frequency_norms`, in (0, 1].

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K; none if all rows are equal. The constant is excluded. The rule is relative,
        so an embedding without structure returns nearly all K: read it beside `frequency_power`.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_E` is not finite, or `threshold` leaves (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1, reads the non-negligible norms off a plot and states no
       threshold; ours is the relative one of Furuta et al., arXiv:2402.16726 (FFD, 0.5). Cosine and sine are
       one norm here, two there.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(embedding_key_frequencies(fourier_basis(11)[[3, 8, 9]].T * [1.0, 0.9, 0.1]))
    [2 4]
    """
    if np.ndim(W_E) != 2:
        raise ValueError(f"W_E: expected shape (p, d_model), got shape {np.shape(W_E)}")
    return _large(frequency_norms(checked_map(np.transpose(W_E), "W_E").T), threshold)


def logit_key_frequencies(W_L: Float[np.ndarray, "d_mlp p"], threshold: float = 0.5) -> Int[np.ndarray, " n"]:
    """Frequencies whose part of the neuron-logit map has at least `threshold` times the largest norm.

    Parameters
    ----------
    W_L : Float[np.ndarray, "d_mlp p"]
        Row m is what neuron m adds to each residue's logit, the transpose of W_U W_out.
    threshold : float
        Fraction of the largest norm, in (0, 1].

    Returns
    -------
    Int[np.ndarray, " n"]
        As `embedding_key_frequencies`, over the residues of the output.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_L` is not finite, or `threshold` leaves (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.2; threshold as in `embedding_key_frequencies`.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(logit_key_frequencies(fourier_basis(11)[[3, 8]]))
    [2 4]
    """
    if np.ndim(W_L) != 2:
        raise ValueError(f"W_L: expected shape (d_mlp, p), got shape {np.shape(W_L)}")
    return _large(frequency_norms(checked_map(W_L, "W_L").T), threshold)


def activation_frequency(
    activations: Float[np.ndarray, "... p p d_mlp"],
) -> tuple[Int[np.ndarray, "... d_mlp"], Float[np.ndarray, "... d_mlp"]]:
    """The frequency that explains most of each neuron's activation over all input pairs.

    Block k of the spectrum is {constant, cos k, sin k} over a times the same over b, nine entries, less the
    constant one; its share is of the variance over the p^2 pairs. k runs over 1..K inclusive. A neuron may be
    any function of the two inputs, such as the attention that a head pays to a: the measure is the same.

    Parameters
    ----------
    activations : Float[np.ndarray, "... p p d_mlp"]
        Activation of each neuron (after its nonlinearity), or attention of each head, at inputs (a, b).

    Returns
    -------
    frequency : Int[np.ndarray, "... d_mlp"]
        1..K; 0 for a neuron that is constant over all pairs (dead).
    share : Float[np.ndarray, "... d_mlp"]
        Of its variance, in [0, 1]; NaN if dead. The neuron's mean is excluded throughout.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, or `activations` is not finite.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (its code stops before k = K).

    Examples
    --------
    >>> angle = 2 * np.pi * 3 * np.arange(7) / 7
    >>> both = np.cos(angle)[:, None] + np.cos(angle)
    >>> frequency, share = activation_frequency(np.stack([both**2, 0 * both], axis=-1))
    >>> print(frequency, share.round(3))  # the square leaks to frequency 6 = 1 mod 7
    [3 0] [0.8 nan]
    """
    shape = np.shape(activations)
    if len(shape) < 3 or shape[-3] != shape[-2]:
        raise ValueError(f"activations: expected shape (..., p, p, d_mlp), got shape {shape}")
    x = checked_map(np.moveaxis(activations, -1, -3), "activations")  # (..., d_mlp, p, p)
    blocks = [
        _clusters(x[..., start : start + BLOCK, :, :]) for start in range(0, max(1, x.shape[-3]), BLOCK)
    ]
    frequency, share = (np.concatenate(found, axis=-1) for found in zip(*blocks, strict=True))
    return frequency, share


def _clusters(
    x: Float[np.ndarray, "... m p p"],
) -> tuple[Int[np.ndarray, "... m"], Float[np.ndarray, "... m"]]:
    """`activation_frequency` of some neurons, neuron before inputs."""
    top = np.abs(x).max(axis=(-1, -2))  # (..., m)
    dead = np.ptp(x, axis=(-1, -2)) <= RELATIVE_ROUNDING * top
    power = spectrum_2d(x / np.where(dead, 1, top)[..., None, None]) ** 2  # (..., m, p, p)
    power[..., 0, 0] = 0
    over_a = power[..., 1::2, :] + power[..., 2::2, :]  # (..., m, K, p), cosine and sine together
    over_b = power[..., 0, 1::2] + power[..., 0, 2::2]  # (..., m, K), constant over a
    both = np.diagonal(over_a[..., 1::2] + over_a[..., 2::2], axis1=-2, axis2=-1)  # (..., m, K)
    block = over_a[..., 0] + over_b + both  # (..., m, K)
    share = block.max(axis=-1) / np.where(dead, np.nan, power.sum(axis=(-1, -2)))
    return np.where(dead, 0, block.argmax(axis=-1) + 1), share


def neuron_key_frequencies(
    activations: Float[np.ndarray, "p p d_mlp"], threshold: float = 0.85
) -> Int[np.ndarray, " n"]:
    """Frequencies that alone explain at least `threshold` of some neuron's activation.

    Parameters
    ----------
    activations : Float[np.ndarray, "p p d_mlp"]
        Activation of each neuron at inputs (a, b).
    threshold : float
        Least share of a neuron's variance in the frequency's 3 x 3 block, in (0, 1]; one neuron is enough.

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K; possibly none. Dead neurons are excluded.

    Raises
    ------
    ValueError
        As `activation_frequency`, or if `threshold` leaves (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (85 % of the variance).

    Examples
    --------
    >>> angle = 2 * np.pi * 3 * np.arange(7) / 7
    >>> print(neuron_key_frequencies((np.cos(angle)[:, None] + np.cos(angle))[..., None]))
    [3]
    """
    _check_threshold(threshold)
    frequency, share = activation_frequency(activations)
    return np.unique(frequency[share >= threshold])


KEY_RULES: dict[str, Callable[..., Int[np.ndarray, " n"]]] = {
    "embedding_norm": embedding_key_frequencies,
    "logit_map": logit_key_frequencies,
    "neuron_cluster": neuron_key_frequencies,
}


def key_frequencies(
    array: Float[np.ndarray, "..."], rule: str, threshold: float | None = None
) -> Int[np.ndarray, " n"]:
    """Key frequencies of one network by a named rule.

    Parameters
    ----------
    array : Float[np.ndarray, "..."]
        What the rule looks at: the embedding (p, d_model) for `embedding_key_frequencies`, the neuron-logit map
        (d_mlp, p) for `logit_key_frequencies`, activations (p, p, d_mlp) for `neuron_key_frequencies`.
    rule : str
        A key of `KEY_RULES`.
    threshold : float, optional
        The rule's own default otherwise.

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K.

    Raises
    ------
    ValueError
        If `rule` is unknown, or the rule refuses its array or threshold.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> print(key_frequencies(fourier_basis(11)[[3, 8]], "logit_map"))
    [2 4]
    """
    if rule not in KEY_RULES:
        raise ValueError(f"rule: expected one of {', '.join(KEY_RULES)}, got {rule!r}")
    return KEY_RULES[rule](array) if threshold is None else KEY_RULES[rule](array, threshold)


def key_frequencies_by_rule(
    W_E: Float[np.ndarray, "p d_model"],
    W_L: Float[np.ndarray, "d_mlp p"],
    activations: Float[np.ndarray, "p p d_mlp"],
) -> dict[str, Int[np.ndarray, " n"]]:
    """Key frequencies of one network by each rule, at its own threshold.

    Parameters
    ----------
    W_E, W_L, activations
        As `embedding_key_frequencies`, `logit_key_frequencies` and `neuron_key_frequencies` take them.

    Returns
    -------
    dict[str, Int[np.ndarray, " n"]]
        By the keys of `KEY_RULES`; ascending, each in 1..K.

    Raises
    ------
    ValueError
        As the rules.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> F = fourier_basis(7)
    >>> found = key_frequencies_by_rule(F[[1, 4]].T, F[[3, 4]], np.multiply.outer(F[5], F[[5, 6]].T))
    >>> {rule: k.tolist() for rule, k in found.items()}
    {'embedding_norm': [1, 2], 'logit_map': [2], 'neuron_cluster': [3]}
    """
    looked_at = {"embedding_norm": W_E, "logit_map": W_L, "neuron_cluster": activations}
    return {rule: key_frequencies(looked_at[rule], rule) for rule in KEY_RULES}


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: expected a number in (0, 1], got {threshold}")


def _large(norm: Float[np.ndarray, " K"], threshold: float) -> Int[np.ndarray, " n"]:
    """Frequencies whose norm is at least `threshold` times the largest."""
    _check_threshold(threshold)
    return np.flatnonzero((norm >= threshold * norm.max()) & (norm > 0)) + 1
