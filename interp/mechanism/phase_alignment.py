"""Alignment of each neuron's output phase with twice its input phase.

    p  residues, odd and at least 3     K  frequencies, (p - 1) / 2
    m  neurons                          ... leading axes: checkpoints, arms

Every neuron has a row in the input map, alpha cos(omega_k j + phi), and a row in the output map,
beta cos(omega_k j + psi), where k is its frequency. A network that adds has psi = 2 phi. One that reads its
two inputs by maps of their own has phases phi_a and phi_b, and psi = phi_a + phi_b. Differences between
neurons are measured in `interp.mechanism.diversification`. Dead neurons (`interp.spectra.fourier`) have
frequency 0 and NaN phases. A *silent* neuron is live in both maps, but at its frequency one of its amplitudes
is only rounding, at most 1e-6 of the row's largest: it reads one frequency and writes another, and its phase
there means nothing. Both kinds are left out of every mean and counted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from interp.mechanism.matrix_orientation import transposed_hint
from interp.spectra.fourier import SINGLE_ROUNDING, amplitude_phase, checked_map
from interp.spectra.weight_spectrum import (
    checked_frequency,
    mean_over_neurons,
    neuron_frequency,
    relative_to_largest,
)

__all__ = ["Misalignment", "frequency_agreement", "misalignment", "wrap_angle"]


@dataclass(frozen=True, kw_only=True)
class Misalignment:
    """Phases and amplitudes of neurons at their frequency, and means."""

    frequency: Int[np.ndarray, "*batch m"]
    """Frequency at which input and output are compared, 1..K; 0 for a neuron without a frequency."""
    D: Float[np.ndarray, "*batch m"]
    """wrap_angle(input_phase + second_phase - output_phase), in [-pi, pi); NaN where dead or silent."""
    input_amplitude: Float[np.ndarray, "*batch m"]
    """alpha, in the units of the input map; NaN where the frequency is 0, 0 where only this row is dead."""
    output_amplitude: Float[np.ndarray, "*batch m"]
    """beta, in the units of the output map; NaN where the frequency is 0, 0 where only this row is dead."""
    input_phase: Float[np.ndarray, "*batch m"]
    """phi, radians in [-pi, pi]; NaN where the row is dead, or its amplitude only rounding."""
    second_amplitude: Float[np.ndarray, "*batch m"]
    """alpha of the second input map; with one map that of the first."""
    second_phase: Float[np.ndarray, "*batch m"]
    """phi of the second input map; with one map that of the first."""
    output_phase: Float[np.ndarray, "*batch m"]
    """psi, radians in [-pi, pi]; NaN where the row is dead, or its amplitude only rounding."""
    mean_abs_sin: Float[np.ndarray, "*batch"]
    """Mean |sin D|: 0 if aligned or opposed, 2/pi for uniform phases. NaN if no neuron is live."""
    mean_cos: Float[np.ndarray, "*batch"]
    """Mean cos D: 1 if aligned, -1 if opposed, 0 for uniform phases."""
    weighted_cos: Float[np.ndarray, "*batch"]
    """Mean cos D weighted by the neurons' strength alpha_a alpha_b beta^2, of one map alpha^2 beta^2."""
    n_dead: Int[np.ndarray, "*batch"]
    """Number of neurons dead in either map, excluded from the three means."""
    n_silent: Int[np.ndarray, "*batch"]
    """Number of neurons silent at their frequency in either map, excluded too."""


def wrap_angle(angle: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return angles shifted by whole turns into [-pi, pi).

    Angles in this range are returned unchanged.

    Parameters
    ----------
    angle : Float[np.ndarray, "..."]
        Radians.

    Returns
    -------
    Float[np.ndarray, "..."]
        Equal to `angle` up to whole turns; NaN stays NaN.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (phase misalignment is an angle mod 2 pi).

    Examples
    --------
    >>> print(wrap_angle(np.array([0.5, np.pi, 7.0])).round(3))
    [ 0.5   -3.142  0.717]
    """
    angle = np.asarray(angle, dtype=np.float64)
    turned = angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))
    return np.where((turned < -np.pi) | (turned >= np.pi), -np.pi, turned)  # rounding across the cut


def misalignment(
    input_map: Float[np.ndarray, "*batch m p"],
    output_map: Float[np.ndarray, "*batch m p"],
    frequency: Int[np.ndarray, "*#batch m"] | None = None,
    second_map: Float[np.ndarray, "..."] | None = None,
) -> Misalignment:
    """Misalignment D of every neuron's output and input phase.

    D = wrap_angle(2 phi - psi), with phi the input phase and psi the output phase; with a second map
    D = wrap_angle(phi_a + phi_b - psi).

    Parameters
    ----------
    input_map, output_map : Float[np.ndarray, "*batch m p"]
        Row m is what neuron m reads from each residue, and what it writes to each residue.
    frequency : Int[np.ndarray, "*#batch m"], optional
        Frequency at which to compare, 1..K, or 0 for none; without leading axes it serves all checkpoints. By
        default the dominant input frequency at each checkpoint (`neuron_frequency(input_map)`); with a second
        map that of the largest alpha_a^2 + alpha_b^2.
    second_map : Float[np.ndarray, "*batch m p"], optional
        What neuron m reads from each residue as the second input, in a network that does not read both by
        `input_map`.

    Returns
    -------
    Misalignment
        D, phases and amplitudes per neuron, and the means of D. A neuron dead in either map, or silent at its
        frequency in one of them, has no D and is excluded from the means.

    Raises
    ------
    ValueError
        If p is even or below 3, a map is not finite, the maps' shapes differ, or a frequency is outside 0..K.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849, phase alignment (there only |sin D|, which is 0 at D = 0 and pi).

    Examples
    --------
    >>> angle = 2 * np.pi * 3 * np.arange(11) / 11
    >>> result = misalignment(np.cos(angle + 0.4)[None], np.cos(angle + 0.7)[None])
    >>> result.frequency.item(), round(result.D.item(), 9), round(float(result.mean_cos), 6)
    (3, 0.1, 0.995004)
    """
    if np.shape(input_map) != np.shape(output_map) or np.ndim(input_map) < 2:
        raise ValueError(
            "input_map and output_map: expected one shape (..., m, p),"
            f" got {np.shape(input_map)} and {np.shape(output_map)}"
            + transposed_hint(np.shape(input_map), np.shape(output_map))
        )
    if second_map is not None and np.shape(second_map) != np.shape(input_map):
        raise ValueError(f"second_map: expected shape {np.shape(input_map)}, got {np.shape(second_map)}")
    input_map, output_map = checked_map(input_map, "input_map"), checked_map(output_map, "output_map")
    alpha_K, phi_K = amplitude_phase(input_map)  # (..., m, K)
    beta_K, psi_K = amplitude_phase(output_map)  # (..., m, K)
    second_K, second_phi_K = alpha_K, phi_K
    if second_map is not None:
        second_K, second_phi_K = amplitude_phase(checked_map(second_map, "second_map"))
    K = alpha_K.shape[-1]
    if frequency is None and second_map is None:
        frequency, _ = neuron_frequency(input_map)
    elif frequency is None:
        both_K = np.hypot(alpha_K, second_K)
        frequency = np.where(both_K.any(axis=-1), both_K.argmax(axis=-1) + 1, 0)
    k = checked_frequency(frequency, K)
    try:
        k = np.broadcast_to(k, alpha_K.shape[:-1])  # (..., m)
    except ValueError:
        raise ValueError(
            f"frequency: expected a shape that fits {alpha_K.shape[:-1]}, got shape {k.shape}"
        ) from None
    waves = ((alpha_K, phi_K), (second_K, second_phi_K), (beta_K, psi_K))
    (alpha, phi), (second, second_phi), (beta, psi) = (_wave(*wave, k) for wave in waves)  # (..., m)
    is_dead = (k == 0) | ~np.all([amplitude_K.any(axis=-1) for amplitude_K, _ in waves], axis=0)
    D = wrap_angle(phi + second_phi - psi)
    strength = alpha if second_map is None else np.sqrt(alpha) * np.sqrt(second)
    mean_abs_sin, n_without_D = mean_over_neurons(np.abs(np.sin(D)))
    n_dead = np.asarray(is_dead.sum(axis=-1))
    return Misalignment(
        frequency=k.copy(),
        D=D,
        input_amplitude=alpha,
        output_amplitude=beta,
        input_phase=phi,
        output_phase=psi,
        second_amplitude=second,
        second_phase=second_phi,
        mean_abs_sin=mean_abs_sin,
        mean_cos=mean_over_neurons(np.cos(D))[0],
        weighted_cos=_weighted_cos(strength, beta, D),
        n_dead=n_dead,
        n_silent=np.asarray(n_without_D - n_dead),
    )


def frequency_agreement(
    input_frequency: Int[np.ndarray, "... m"], output_frequency: Int[np.ndarray, "... m"]
) -> tuple[Float[np.ndarray, "..."], Int[np.ndarray, "..."]]:
    """Share of neurons with equal input and output frequency.

    Parameters
    ----------
    input_frequency, output_frequency : Int[np.ndarray, "... m"]
        From `neuron_frequency`; 0 for a dead row.

    Returns
    -------
    share : Float[np.ndarray, "..."]
        In [0, 1], about 1/K by chance; NaN if no neuron is live in both maps.
    n_dead : Int[np.ndarray, "..."]
        Number of neurons dead in either map, excluded from the share.

    Raises
    ------
    ValueError
        If the shapes differ.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849 (each neuron's input and output share one frequency).

    Examples
    --------
    >>> share, n_dead = frequency_agreement(np.array([1, 2, 0]), np.array([1, 3, 1]))
    >>> float(share), int(n_dead)
    (0.5, 1)
    """
    k_in, k_out = np.asarray(input_frequency), np.asarray(output_frequency)
    if k_in.shape != k_out.shape:
        raise ValueError(
            f"input_frequency and output_frequency: expected one shape, got {k_in.shape}, {k_out.shape}"
        )
    return mean_over_neurons(np.where((k_in == 0) | (k_out == 0), np.nan, k_in == k_out))


def _wave(
    amplitude_K: Float[np.ndarray, "*batch m K"],
    phase_K: Float[np.ndarray, "*batch m K"],
    k: Int[np.ndarray, "*batch m"],
) -> tuple[Float[np.ndarray, "*batch m"], Float[np.ndarray, "*batch m"]]:
    """Amplitude and phase of frequency k; no phase where the amplitude is only rounding."""
    amplitude, phase = _at_frequency(amplitude_K, k), _at_frequency(phase_K, k)
    is_rounding = amplitude <= SINGLE_ROUNDING * amplitude_K.max(axis=-1)
    return amplitude, np.where(is_rounding, np.nan, phase)


def _at_frequency(
    x_K: Float[np.ndarray, "*batch m K"], k: Int[np.ndarray, "*batch m"]
) -> Float[np.ndarray, "*batch m"]:
    """Entry of frequency k; NaN where k is 0."""
    x = np.take_along_axis(x_K, np.maximum(k, 1)[..., None] - 1, axis=-1)[..., 0]
    return np.where(k == 0, np.nan, x)


def _weighted_cos(
    alpha: Float[np.ndarray, "*batch m"],
    beta: Float[np.ndarray, "*batch m"],
    D: Float[np.ndarray, "*batch m"],
) -> Float[np.ndarray, "*batch"]:
    relative = (relative_to_largest(np.where(np.isnan(D), 0.0, x)) for x in (alpha, beta))  # (..., m)
    weight = relative_to_largest(np.prod(list(relative), axis=0)) ** 2
    return np.asarray((weight * np.where(np.isnan(D), 0.0, np.cos(D))).sum(axis=-1) / weight.sum(axis=-1))
