"""Neurons that read a single frequency, and what their activation makes of it.

    m  neurons     p  residues, odd and at least 3     n  points of the quadrature per angle

A pure neuron reads one cosine of each of its two inputs. At the angles x and y of the inputs its activation
is σ(2 mean + amplitude · (cos x + cos y)), σ the activation function. It has its own frequency, and
multiples of it that σ adds, so even a pure neuron has less than its whole variance at its own frequency.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from interp.mechanism.two_layer_forward import ACTIVATIONS
from interp.spectra.fourier import amplitude_phase

__all__ = ["SCALE_FREE", "cluster_threshold", "pure_neuron_share"]

RELU_THRESHOLD = 0.85
"""Nanda et al.'s threshold for ReLU neurons."""
SCALE_FREE = ("relu", "square", "abs", "cube", "fourth")
"""Activations with σ(s z) proportional to σ(z) for s > 0: a pure neuron's amplitude makes no difference."""
N_POINTS = 128
"""Points of the quadrature for each half turn."""
BLOCK_SIZE = 256
"""Number of neurons computed at once, 34 MB in float64."""


def pure_neuron_share(
    activation: str,
    amplitude: Float[np.ndarray, " m"] | float = 1.0,
    mean: Float[np.ndarray, " m"] | float = 0.0,
) -> Float[np.ndarray, " m"]:
    """Share of a pure neuron's variance at its own frequency.

    The share is that of `interp.spectra.pair_spectrum.activation_frequency` in the limit of many residues:
    of the products of {constant, cosine, sine} of both angles, the constant one left out. The midpoint rule
    with 128 points for each half turn computes it in float64; at the kink of relu and abs its error is below
    1e-4, smooth activations have rounding error.

    Parameters
    ----------
    activation : str
        A key of `interp.mechanism.two_layer_forward.ACTIVATIONS`.
    amplitude : float or array (m,)
        Amplitude of the cosine that the neuron reads of each input, in units of the input map. Makes no
        difference to `SCALE_FREE` activations of mean 0.
    mean : float or array (m,)
        Mean of what the neuron reads of each input.

    Returns
    -------
    Float[np.ndarray, " m"]
        In [0, 1], dimensionless; NaN for a neuron that is constant, or whose activation overflows.

    Raises
    ------
    ValueError
        If `activation` is unknown.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (share of a neuron's variance at one frequency; that of a
       pure neuron is ours). Closed forms: relu (1/4 + a) / (1/2 - 16/π⁴) and abs a / (1/4 - 16/π⁴), with
       a = 64/(9π⁴); square 4/5, cube 81/100.

    Examples
    --------
    >>> [float(pure_neuron_share(name)[0].round(3)) for name in ("relu", "square", "cube")]
    [0.962, 0.8, 0.81]
    """
    _check_activation(activation)
    sizes, means = np.broadcast_arrays(np.atleast_1d(amplitude), np.atleast_1d(mean))
    blocks = range(0, max(1, len(sizes)), BLOCK_SIZE)
    parts = [_shares(activation, sizes[i : i + BLOCK_SIZE], means[i : i + BLOCK_SIZE]) for i in blocks]
    return np.concatenate(parts)


def _shares(
    activation: str, amplitude: Float[np.ndarray, " m"], mean: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    """`pure_neuron_share` of a block of neurons.

    The activation is even in both angles, so half turns are enough and sines have no part.
    """
    wave = np.cos(np.pi * (np.arange(N_POINTS) + 0.5) / N_POINTS)  # (n,)
    z = 2 * mean[:, None, None] + amplitude[:, None, None] * (wave[:, None] + wave)  # (m, n, n)
    with np.errstate(over="ignore", invalid="ignore"):
        x = ACTIVATIONS[activation](z)
        x = x / np.abs(x).max(axis=(-1, -2), keepdims=True)  # no overflow in the squares
        x = x - x.mean(axis=(-1, -2), keepdims=True)
    variance = np.square(x).mean(axis=(-1, -2))  # (m,)
    one = (x @ wave).mean(axis=-1) / N_POINTS  # (m,), of cos y; that of cos x is equal
    both = (x @ wave) @ wave / N_POINTS**2  # (m,)
    explained = 4 * np.square(one) + 4 * np.square(both)
    is_live = np.isfinite(variance) & (variance > 0)
    return explained / np.where(is_live, variance, np.nan)


@lru_cache
def _scale_free_share(activation: str) -> float:
    return float(pure_neuron_share(activation)[0])


def cluster_threshold(
    activation: str = "relu", input_map: Float[np.ndarray, "m p"] | None = None
) -> float | Float[np.ndarray, " m"]:
    """Smallest share of variance at one frequency by which a neuron belongs to it.

    Nanda et al. take 0.85 for ReLU neurons, 0.884 of the share of a pure one. For other activations this
    is 0.884 of their own pure neuron's share: 0.707 for square, whose pure neurons never reach 0.85.

    Parameters
    ----------
    activation : str
        A key of `interp.mechanism.two_layer_forward.ACTIVATIONS`.
    input_map : Float[np.ndarray, "m p"], optional
        What neuron i reads of residue a. Needed for activations that are not `SCALE_FREE`: each neuron is
        compared with the pure neuron of its own mean and largest amplitude.

    Returns
    -------
    float or array (m,)
        One threshold for all neurons if the activation is `SCALE_FREE`, one per neuron otherwise; NaN for a
        neuron without a pure counterpart (its row is constant).

    Raises
    ------
    ValueError
        If `activation` is unknown, or its input map is needed and missing.

    References
    ----------
    .. [1] Nanda et al., arXiv:2301.05217, Sec. 4.3 (85 % of the variance, ReLU; other activations are ours).

    Examples
    --------
    >>> cluster_threshold("relu"), round(cluster_threshold("square"), 3)
    (0.85, 0.707)
    """
    _check_activation(activation)
    if activation in SCALE_FREE:
        return RELU_THRESHOLD * (_scale_free_share(activation) / _scale_free_share("relu"))
    if input_map is None:
        raise ValueError(
            f"input_map: expected the neurons' input map, as the share of a pure {activation} neuron depends "
            "on its amplitude, got None"
        )
    rows = np.asarray(input_map, dtype=np.float64)
    amplitude = amplitude_phase(rows)[0].max(axis=-1)  # 0 for a dead row
    share = pure_neuron_share(activation, amplitude, rows.mean(axis=-1))
    return RELU_THRESHOLD * (share / _scale_free_share("relu"))


def _check_activation(activation: str) -> None:
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {activation!r}")
