"""Restricted and excluded logits: with only, or without, key frequencies.

    p  residues, odd and at least 3     a, b  the two inputs, residues      n  key frequencies
    c  classes     m  columns: classes or neurons     r  directions         pairs  p^2, b varying fastest
    ... leading axes: checkpoints, arms

All functions project functions of the pair (a, b) on orthonormal directions, which are functions of the pair
too. The *sum waves* of a frequency are cos and sin of omega_k (a + b). Compute the loss of the results by
`interp.mechanism.logit_fit.cross_entropy`. For an operation other than addition, relabel the inputs first
(`logits[..., -np.arange(p), :, :]` for b - a).
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
    """Logits restricted to the key frequencies.

    Each class's mean over all pairs is kept too. The operator says which functions of (a, b) belong to
    frequency k:

    - `sum2`: the sum waves, cos and sin of omega_k (a + b); 2 functions;
    - `block4`: {cos, sin} of omega_k a times {cos, sin} of omega_k b; 4 functions;
    - `block8`: {1, cos, sin} of omega_k a times {1, cos, sin} of omega_k b, less the constant; 8 functions.

    Products of two different key frequencies are never kept.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p p c"]
        Logit of each class at inputs (a, b), every ordered pair.
    frequencies : Int[np.ndarray, " n"]
        Key frequencies in 1..K, each at most once. With none, only the means are left.
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
        or a frequency is outside 1..K or repeated.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (restricted loss; the text does not fix the operator, so
       the operators have names here).

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
    directions = OPERATORS[operator](p, frequencies)
    # The constant direction keeps each class's mean: all other directions have mean 0.
    return _project(x, np.concatenate([np.full((1, p * p), 1 / p), directions]))


def excluded_logits(
    logits: Float[np.ndarray, "... p p c"], frequencies: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "... p p c"]:
    """Logits without the sum waves of the key frequencies.

    Parameters
    ----------
    logits : Float[np.ndarray, "... p p c"]
        Logit of each class at inputs (a, b). All ordered pairs are needed, even if the loss is taken over
        some of them.
    frequencies : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once: all key frequencies, or a single one (`frequencies[[i]]`).

    Returns
    -------
    Float[np.ndarray, "... p p c"]
        `logits - project_on_sum_waves(logits, frequencies)`. Means over pairs do not change. The published
        loss is over the training pairs.

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
    """Project functions of (a, b) on the sum waves of given frequencies.

    Equivalently: average over the p pairs of equal a + b mod p, then keep only these frequencies.

    Parameters
    ----------
    x : Float[np.ndarray, "... p p m"]
        m functions, such as logits or activations, at every ordered pair of inputs (a, b).
    frequencies : Int[np.ndarray, " n"]
        Frequencies in 1..K, each at most once.

    Returns
    -------
    Float[np.ndarray, "... p p m"]
        In the units of `x`; the constant is excluded. For activations, `restricted_logits_through_neurons`
        gives the logits that result, with less memory.

    Raises
    ------
    ValueError
        If the two residue axes differ, p is even or below 3, `x` is not finite, or a frequency is outside
        1..K or repeated.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5.

    Examples
    --------
    >>> wave = np.cos(2 * np.pi * 2 * np.arange(7) / 7)
    >>> projection = project_on_sum_waves(np.multiply.outer(wave, wave)[..., None], np.array([2]))
    >>> print(projection[0, :3, 0] / wave[:3])
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
    """Restricted logits, with the restriction applied to the neurons.

    The neurons' activations are projected on the sum waves, then mapped to logits. If the logits are a linear
    function of the neurons alone, the result equals `restricted_logits` with `sum2`. Otherwise it lacks the
    part that reaches the logits around the neurons, of which only the mean is kept.

    Parameters
    ----------
    activations : Float[np.ndarray, "... p p m"]
        Activation of each neuron (after its nonlinearity) at inputs (a, b), every ordered pair.
    W_L : Float[np.ndarray, "... m c"]
        Row m is what a unit activation of neuron m adds to each class's logit: the transpose of W_U W_out.
    logits : Float[np.ndarray, "... p p c"]
        Logits of the network, used for each class's mean over all pairs.
    frequencies : Int[np.ndarray, " n"]
        Key frequencies in 1..K, each at most once.

    Returns
    -------
    Float[np.ndarray, "... p p c"]
        In the units of `logits`. Per class, the mean over the p^2 pairs is that of `logits`.

    Raises
    ------
    ValueError
        If the shapes do not match, p is even or below 3, `activations` or `logits` is not finite, or a
        frequency is outside 1..K or repeated.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 5 (there applied to logits; here to the neurons).

    Examples
    --------
    >>> acts = np.random.default_rng(0).standard_normal((7, 7, 4))
    >>> W_L = np.random.default_rng(1).standard_normal((4, 7))
    >>> logits, keys = acts @ W_L, np.array([1, 3])
    >>> through_neurons = restricted_logits_through_neurons(acts, W_L, logits, keys)
    >>> print(bool(np.allclose(through_neurons, restricted_logits(logits, keys))))
    True
    """
    acts, all_logits = _checked_pairs(activations, "activations"), _checked_pairs(logits, "logits")
    p = acts.shape[-2]
    expected = (acts.shape[-1], all_logits.shape[-1])
    if np.shape(W_L)[-2:] != expected or all_logits.shape[-2] != p:
        raise ValueError(
            f"W_L: expected shape (..., {expected[0]}, {expected[1]}) and logits (..., {p}, {p}, c) for "
            f"activations of shape {acts.shape}, got {np.shape(W_L)} and {all_logits.shape}"
        )
    directions = _sum2(p, frequencies)  # (r, pairs)
    neurons = directions @ rearrange(acts, "... a b m -> ... (a b) m")  # (..., r, m)
    new = directions.T @ (neurons @ np.asarray(W_L, dtype=np.float64))  # (..., pairs, c)
    return rearrange(new, "... (a b) c -> ... a b c", a=p) + all_logits.mean(axis=(-3, -2), keepdims=True)


def _sum2(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """Sum waves: cos and sin of omega_k (a + b)."""
    total = np.add.outer(np.arange(p), np.arange(p)).ravel() % p
    return rearrange(fourier_waves(frequencies, p)[..., total] / np.sqrt(p), "n i ab -> (n i) ab")


def _block4(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """Products of {cos, sin} of omega_k a with {cos, sin} of omega_k b."""
    waves = fourier_waves(frequencies, p)
    return rearrange(np.einsum("nia,njb->nijab", waves, waves), "n i j a b -> (n i j) (a b)")


def _block8(p: int, frequencies: Int[np.ndarray, " n"]) -> Float[np.ndarray, "r pairs"]:
    """Products of {1, cos, sin} over a and b, without the constant."""
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
    """Project every function on the span of orthonormal directions."""
    on_directions = directions @ rearrange(x, "... a b m -> ... (a b) m")  # (..., r, m)
    return rearrange(directions.T @ on_directions, "... (a b) m -> ... a b m", a=x.shape[-2])


def _checked_pairs(x: Float[np.ndarray, "... p p m"], argument: str) -> Float[np.ndarray, "... p p m"]:
    """Functions over all pairs in float64, after checking them."""
    shape = np.shape(x)
    if len(shape) < 3 or shape[-3] != shape[-2]:
        raise ValueError(f"{argument}: expected shape (..., p, p, columns), got shape {shape}")
    return np.moveaxis(checked_map(np.moveaxis(x, -1, -3), argument), -3, -1)
