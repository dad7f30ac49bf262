"""A network's logits with its key frequencies alone, and with all but them.

    p  residues, odd and at least 3     a, b  the two inputs, residues      n  key frequencies
    c  classes     m  columns: classes or neurons     r  directions         pairs  p^2, b varying fastest
    ... leading axes: checkpoints, arms

Everything here projects functions of the pair (a, b) on orthonormal directions, functions of the pair too.
The *sum directions* of a frequency are cos and sin of omega_k (a + b). Losses of the results are
`interp.mechanism.logit_fit.cross_entropy`; a network of another operation is brought to addition by relabelling its
inputs first (`logits[..., -np.arange(p), :, :]` for b - a).
"""

from collections.abc import Callable

import numpy as np
from einops import rearrange
from jaxtyping import Float, Int

from interp.spectra.fourier import checked_map, fourier_waves

__all__ = [
    "OPERATORS",
    "excluded_logits",
    "project_on_sum_waves",
    "restricted_logits",
    "restricted_logits_through_neurons",
]


def restricted_logits(
    logits: Float[np.ndarray, "... p p c"], frequencies: Int[np.ndarray, " n"], operator: str = "sum2"
) -> Float[np.ndarray, "... p p c"]:
    """Logits of which only the key frequencies, and each class's mean over all pairs, are kept.

    The operator says which functions of (a, b) count as frequency k:

    - `sum2`: cos and sin of omega_k (a + b), 2 per frequency;
    - `block4`: {cos, sin} of omega_k a times the same of b, 4;
    - `block8`: {1, cos, sin} of omega_k a times the same of b, less the constant, 8.

    Products of two different key frequencies are never kept.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p p c"]
        Logit of each class at inputs (a, b), every ordered pair.
    frequencies : Int[np.ndarray, " n"]
        Key frequencies, different, each in 1..K; none leaves the means.
    operator : str
        A key of `OPERATORS`.

    Returns
    -------
    Float[np.ndarray, "... p p c"]
        In the units of `logits`. Per class, the mean over the p^2 pairs is that of `logits`.

    Raises
    ------
    ValueError
        If `operator` is unknown, the two residue axes differ, p is even or below 3, `logits` is not finite,
        or a frequency leaves 1..K or comes twice.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (restricted loss; its words fit more than one operator, so
       each has a name here).

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 2 * np.arange(7) / 7)
    >>> logits = 1 + np.multiply.outer(wave, wave)[..., None]  # half of it in cos(omega (a + b))
    >>> [float(restricted_logits(logits, np.array([2]), name).max().round(6)) for name in OPERATORS]
    [1.5, 2.0, 2.0]
    """
    if operator not in OPERATORS:
        raise ValueError(f"operator: expected one of {', '.join(OPERATORS)}, got {operator!r}")
    x = _checked_pairs(logits, "logits")
    p = x.shape[-2]
    kept = OPERATORS[operator](p, frequencies)
    # All other directions have mean 0, so keeping the constant one is adding mean(original - new).
    return _project(x, np.concatenate([np.full((1, p * p), 1 / p), kept]))


def excluded_logits(
    logits: Float[np.ndarray, "... p p c"], frequencies: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "... p p c"]:
    """Logits without the two sum directions of the key frequencies.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p p c"]
        Logit of each class at inputs (a, b), every ordered pair, whichever of them the loss is taken over.
    frequencies : Int[np.ndarray, " n"]
        Different, each in 1..K: all key frequencies together, or one alone (`frequencies[[i]]`).

    Returns
    -------
    Float[np.ndarray, "... p p c"]
        `logits - project_on_sum_waves(logits, frequencies)`; means over pairs are untouched. The published loss is that
        of the training pairs.

    Raises
    ------
    ValueError
        As `project_on_sum_waves`.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (excluded loss).

    Examples
    --------
    >>> a = np.arange(7)
    >>> logits = np.cos(2 * np.pi * 2 * (a[:, None, None] + a[:, None] - a) / 7)
    >>> print(bool(np.allclose(excluded_logits(logits, np.array([2])), 0)))
    True
    """
    x = _checked_pairs(logits, "logits")
    part = _project(x, _sum2(x.shape[-2], frequencies))
    return np.subtract(x, part, out=part)


def project_on_sum_waves(
    x: Float[np.ndarray, "... p p m"], frequencies: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "... p p m"]:
    """Part of functions of (a, b) that lies on the sum directions of some frequencies.

    Equal to the mean over the p pairs of equal a + b mod p, of which only these frequencies are kept.

    Parameters
    ----------
    x : Float[np.ndarray, "... p p m"]
        m functions, of logits or of neurons' activations, at inputs (a, b), every ordered pair.
    frequencies : Int[np.ndarray, " n"]
        Different, each in 1..K.

    Returns
    -------
    Float[np.ndarray, "... p p m"]
        In the units of `x`; the constant is excluded. Neurons' activations so projected are mapped to logits
        by the caller, or by `restricted_logits_through_neurons`, which never holds them.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, `x` is not finite, or a frequency leaves 1..K or
        comes twice.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 2 * np.arange(7) / 7)
    >>> print(project_on_sum_waves(np.multiply.outer(wave, wave)[..., None], np.array([2]))[0, :3, 0] / wave[:3])
    [0.5 0.5 0.5]
    """
    x = _checked_pairs(x, "x")
    return _project(x, _sum2(x.shape[-2], frequencies))


def restricted_logits_through_neurons(
    activations: Float[np.ndarray, "... p p m"],
    W_L: Float[np.ndarray, "... m c"],
    logits: Float[np.ndarray, "... p p c"],
    frequencies: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "... p p c"]:
    """Restricted logits by way of the neurons: their activations on the sum directions, mapped to logits.

    Where neurons are all that feeds the logits, and linearly, this is `restricted_logits` with `sum2`. It
    differs by what reaches the logits around the neurons, of which only the mean is kept.

    Parameters
    ----------
    activations : Float[np.ndarray, "... p p m"]
        Activation of each neuron (after its nonlinearity) at inputs (a, b), every ordered pair.
    W_L : Float[np.ndarray, "... m c"]
        Row m is what neuron m adds to each class's logit, the transpose of W_U W_out.
    logits : Float[np.ndarray, "... p p c"]
        The network's own, for each class's mean over all pairs.
    frequencies : Int[np.ndarray, " n"]
        Key frequencies, different, each in 1..K.

    Returns
    -------
    Float[np.ndarray, "... p p c"]
        In the units of `logits`, their mean over the p^2 pairs that of `logits`.

    Raises
    ------
    ValueError
        If shapes do not fit, p is even or below 3, `activations` or `logits` is not finite, or a frequency
        leaves 1..K or comes twice.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (of logits there; through the neurons here).

    Examples
    --------
    >>> acts = np.random.default_rng(0).standard_normal((7, 7, 4))
    >>> W_L = np.random.default_rng(1).standard_normal((4, 7))
    >>> logits, keys = acts @ W_L, np.array([1, 3])
    >>> print(bool(np.allclose(restricted_logits_through_neurons(acts, W_L, logits, keys), restricted_logits(logits, keys))))
    True
    """
    acts, whole = _checked_pairs(activations, "activations"), _checked_pairs(logits, "logits")
    p = acts.shape[-2]
    expected = (acts.shape[-1], whole.shape[-1])
    if np.shape(W_L)[-2:] != expected or whole.shape[-2] != p:
        raise ValueError(
            f"W_L: expected shape (..., {expected[0]}, {expected[1]}) and logits (..., {p}, {p}, c) beside "
            f"activations of shape {acts.shape}, got {np.shape(W_L)} and {whole.shape}"
        )
    directions = _sum2(p, frequencies)  # (r, pairs)
    neurons = directions @ rearrange(acts, "... a b m -> ... (a b) m")  # (..., r, m)
    new = directions.T @ (neurons @ np.asarray(W_L, dtype=np.float64))  # (..., pairs, c)
    return rearrange(new, "... (a b) c -> ... a b c", a=p) + whole.mean(axis=(-3, -2), keepdims=True)


def _sum2(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """cos and sin of omega_k (a + b)."""
    total = np.add.outer(np.arange(p), np.arange(p)).ravel() % p
    return rearrange(fourier_waves(frequencies, p)[..., total] / np.sqrt(p), "n i ab -> (n i) ab")


def _block4(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """{cos, sin} of omega_k a times the same of b."""
    waves = fourier_waves(frequencies, p)
    return rearrange(np.einsum("nia,njb->nijab", waves, waves), "n i j a b -> (n i j) (a b)")


def _block8(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """{1, cos, sin} of omega_k a times the same of b, less 1 times 1."""
    waves = np.insert(fourier_waves(frequencies, p), 0, p**-0.5, axis=1)  # (n, 3, p)
    block = rearrange(np.einsum("nia,njb->nijab", waves, waves), "n i j a b -> n (i j) (a b)")
    return rearrange(block[:, 1:], "n r ab -> (n r) ab")


OPERATORS: dict[str, Callable[[int, Int[np.ndarray, " n"]], Float[np.ndarray, "r pairs"]]] = {
    "sum2": _sum2,
    "block4": _block4,
    "block8": _block8,
}


def _project(
    x: Float[np.ndarray, "... p p m"], directions: Float[np.ndarray, "r pairs"]
) -> Float[np.ndarray, "... p p m"]:
    """Part of every function in the span of orthonormal directions."""
    on_directions = directions @ rearrange(x, "... a b m -> ... (a b) m")  # (..., r, m)
    return rearrange(directions.T @ on_directions, "... (a b) m -> ... a b m", a=x.shape[-2])


def _checked_pairs(x: Float[np.ndarray, "... p p m"], argument: str) -> Float[np.ndarray, "... p p m"]:
    """The same in float64, once it is known to hold numbers over all pairs of residues."""
    shape = np.shape(x)
    if len(shape) < 3 or shape[-3] != shape[-2]:
        raise ValueError(f"{argument}: expected shape (..., p, p, columns), got shape {shape}")
    return np.moveaxis(checked_map(np.moveaxis(x, -1, -3), argument), -3, -1)
