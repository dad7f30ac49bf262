"""Key frequencies of a trained network, by three rules.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2     n  key frequencies
    a, b  the two inputs, residues      d_model, d_mlp  widths

Key frequencies are the few Fourier frequencies that a network computes with. The published rules look at
different parts of a network (embedding, neuron-logit map, activations) and may disagree, so a result always
names its rule.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from interp.mechanism.pure_neuron import cluster_threshold
from interp.spectra.fourier import checked_map
from interp.spectra.pair_spectrum import activation_frequency
from interp.spectra.weight_spectrum import frequency_norms

__all__ = [
    "KEY_RULES",
    "embedding_key_frequencies",
    "key_frequencies",
    "key_frequencies_by_rule",
    "logit_key_frequencies",
    "neuron_key_frequencies",
]


def embedding_key_frequencies(
    W_E: Float[np.ndarray, "p d_model"], threshold: float = 0.5
) -> Int[np.ndarray, " n"]:
    """Key frequencies by their norm in the embedding.

    A frequency counts if its norm is at least `threshold` times the largest.

    Parameters
    ----------
    W_E : Float[np.ndarray, "p d_model"]
        Embedding, a row per residue. The caller leaves out rows of other tokens (such as =).
    threshold : float
        Fraction of the largest of the K `frequency_norms`, in (0, 1].

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K; empty if all rows are equal. The constant is excluded. The rule is relative:
        an embedding without structure has nearly all K as key frequencies, so also look at `frequency_power`.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_E` is not finite, or `threshold` is outside (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.1, reads the large norms off a plot, without a threshold.
    .. [2] Furuta et al., arXiv:2402.16726, has our relative threshold, 0.5, in the Fourier frequency density
       (FFD), with separate norms of cosine and sine; here they are one norm.

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
    """Key frequencies by their norm in the neuron-logit map.

    A frequency counts if its norm is at least `threshold` times the largest.

    Parameters
    ----------
    W_L : Float[np.ndarray, "d_mlp p"]
        Row m is what a unit activation of neuron m adds to each residue's logit: the transpose of W_U W_out.
    threshold : float
        Fraction of the largest norm, in (0, 1].

    Returns
    -------
    Int[np.ndarray, " n"]
        As for `embedding_key_frequencies`, but over the residues of the output.

    Raises
    ------
    ValueError
        If p is even or below 3, `W_L` is not finite, or `threshold` is outside (0, 1].

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


def neuron_key_frequencies(
    activations: Float[np.ndarray, "p p d_mlp"], threshold: float | Float[np.ndarray, " d_mlp"] = 0.85
) -> Int[np.ndarray, " n"]:
    """Key frequencies that alone explain some neuron's activation.

    Parameters
    ----------
    activations : Float[np.ndarray, "p p d_mlp"]
        Activation of each neuron at inputs (a, b).
    threshold : float or array (d_mlp,)
        Smallest share of a neuron's variance in the frequency's 3 x 3 block
        (`interp.spectra.pair_spectrum.activation_frequency`), in (0, 1]. One neuron is enough. The default
        is for ReLU: a pure neuron has .962 there, and .8 under a square. For other activations take
        `interp.mechanism.pure_neuron.cluster_threshold`; a neuron whose threshold is NaN is excluded.

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K; may be empty. Dead neurons are excluded.

    Raises
    ------
    ValueError
        As `activation_frequency`, or if `threshold` is outside (0, 1].

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (85 % of the variance; on their released low-precision
       network it leaves out frequency 3, which the network needs).

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
    array: Float[np.ndarray, "..."],
    rule: str,
    threshold: float | Float[np.ndarray, " d_mlp"] | None = None,
) -> Int[np.ndarray, " n"]:
    """Key frequencies of one network by a named rule.

    Parameters
    ----------
    array : Float[np.ndarray, "..."]
        Input of the rule: the embedding (p, d_model) for "embedding_norm", the neuron-logit map (d_mlp, p)
        for "logit_map", activations (p, p, d_mlp) for "neuron_cluster".
    rule : str
        A key of `KEY_RULES`.
    threshold : float or array (d_mlp,), optional
        By default the rule's own default; an array only for "neuron_cluster".

    Returns
    -------
    Int[np.ndarray, " n"]
        Ascending, each in 1..K.

    Raises
    ------
    ValueError
        If `rule` is unknown, or as the rule's function.

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
    activation: str = "relu",
    input_map: Float[np.ndarray, "d_mlp p"] | None = None,
) -> dict[str, Int[np.ndarray, " n"]]:
    """Key frequencies of one network by every rule.

    Norms have their default thresholds, neurons that of `interp.mechanism.pure_neuron.cluster_threshold`.

    Parameters
    ----------
    W_E, W_L, activations
        Inputs of `embedding_key_frequencies`, `logit_key_frequencies` and `neuron_key_frequencies`.
    activation : str
        Activation function of the neurons, a key of `interp.mechanism.two_layer_forward.ACTIVATIONS`.
    input_map : Float[np.ndarray, "d_mlp p"], optional
        What each neuron reads of each residue; needed if a pure neuron's share depends on its amplitude, as
        under exp and softplus.

    Returns
    -------
    dict[str, Int[np.ndarray, " n"]]
        By name of the rule, as in `KEY_RULES`; ascending, each in 1..K.

    Raises
    ------
    ValueError
        As the rules' functions and `cluster_threshold`, or if `W_E` or `W_L` has p residues on its other
        axis.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.

    Examples
    --------
    >>> from interp.spectra.fourier import fourier_basis
    >>> F = fourier_basis(7)
    >>> by_rule = key_frequencies_by_rule(F[[1, 4]].T, F[[3, 4]], np.multiply.outer(F[5], F[[5, 6]].T))
    >>> {rule: k.tolist() for rule, k in by_rule.items()}
    {'embedding_norm': [1, 2], 'logit_map': [2], 'neuron_cluster': [3]}
    """
    p = len(activations)
    for name, W, axes, axis in (("W_E", W_E, "(p, d_model)", 0), ("W_L", W_L, "(d_mlp, p)", 1)):
        if np.ndim(W) == 2 and W.shape[axis] != p == W.shape[1 - axis]:
            raise ValueError(f"{name}: expected shape {axes} with p = {p}, got {W.shape}; transpose it?")
    arrays = {"embedding_norm": W_E, "logit_map": W_L, "neuron_cluster": activations}
    thresholds = {"neuron_cluster": cluster_threshold(activation, input_map)}
    return {rule: key_frequencies(arrays[rule], rule, thresholds.get(rule)) for rule in KEY_RULES}


def _check_threshold(threshold: float | Float[np.ndarray, " m"]) -> None:
    values = np.asarray(threshold)
    if not ((values > 0) & (values <= 1) | np.isnan(values) & (values.ndim > 0)).all():
        raise ValueError(f"threshold: expected a number in (0, 1], got {threshold}")


def _large(norm: Float[np.ndarray, " K"], threshold: float) -> Int[np.ndarray, " n"]:
    """Frequencies whose norm is at least `threshold` times the largest."""
    _check_threshold(threshold)
    return np.flatnonzero((norm >= threshold * norm.max()) & (norm > 0)) + 1
