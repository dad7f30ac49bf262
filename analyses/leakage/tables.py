"""Tables of harmonics of single-frequency ReLU neurons, trained and ideal.

T  checkpoints     m  neurons     r  harmonics 1, 2, ... of each neuron's own frequency

A frequency that shares a factor with p has no harmonics of its own; its neurons are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analyses.leakage.schema import EXAMPLE, IDEAL, SHARES, START
from analyses.loading.neuron_maps import neuron_maps
from analyses.tables.long_format import gather, long_table
from analyses.tables.schema import Table
from interp.dynamics.harmonic_leakage import relu_leakage, relu_leakage_limit
from interp.mechanism.phase_alignment import misalignment
from interp.spectra.fourier import complex_amplitude
from interp.spectra.weight_spectrum import neuron_frequency
from training.inspection.loss_gradient import training_gradient

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

MAPS = ("input", "output")
HARMONICS = 5
"""Largest harmonic of trained neurons."""
ALIGNED_SHARE = 1 / 32
"""Share of the neurons that count as aligned: those of least |D| at the start."""
IDEAL_P = (11, 23, 47, 97, 113, 197)
IDEAL_PHASES = 32
"""Number of input phases of the ideal neuron, from 0 to below pi; a phase of pi more changes nothing."""


def leakage_tables(networks: Sequence[Network]) -> dict[Table, pd.DataFrame]:
    """Return all tables."""
    parts = [_network_tables(network) for network in networks]
    return {table: gather([part[table] for part in parts]) for table in parts[0]} | {IDEAL: ideal_rows()}


def ideal_rows() -> pd.DataFrame:
    """Return how far an ideal aligned neuron is from the limit."""
    phases = np.linspace(0, np.pi, IDEAL_PHASES, endpoint=False)
    rows = []
    for p in IDEAL_P:
        K = (p - 1) // 2
        limit = np.stack(relu_leakage_limit(K))  # (map, r)
        exact = np.stack(
            [np.stack(relu_leakage(p, K, phase=float(phi))) for phi in phases]
        )  # (phase, map, r)
        distances = np.abs(exact - limit).max(axis=0)
        rows += [
            {"p": p, "map": name, "n_harmonics": K, "harmonic": int(d.argmax()) + 1, "error": d.max()}
            for name, d in zip(MAPS, distances, strict=True)
        ]
    return pd.DataFrame(rows)


def _network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    maps, gradient_maps = _maps_and_gradients(network)  # (map, T, m, p)
    neurons = np.flatnonzero(np.gcd(neuron_frequency(maps[0, 0])[0], network.p) == 1)
    maps, gradient_maps = maps[:, :, neurons], gradient_maps[:, :, neurons]
    start = misalignment(maps[0, 0], maps[1, 0])
    n_harmonics = min(HARMONICS, (network.p - 1) // 2)
    changes = np.diff(maps, axis=1, prepend=maps[:, :1])
    weights, gradient, growth = (
        np.abs(_harmonics(x, start.frequency, n_harmonics)) for x in (maps, gradient_maps, changes)
    )  # (map, T, m, r)
    aligned = np.argsort(np.abs(start.D))[: max(1, round(ALIGNED_SHARE * len(start.D)))]
    axes = {"map": MAPS, "step": network.steps, "harmonic": range(1, n_harmonics + 1)}
    limit = np.stack(relu_leakage_limit(n_harmonics))  # (map, r)
    columns = {"limit": limit[:, None], "n_aligned": np.array(len(aligned))}
    for name, amplitude in (("gradient", gradient), ("growth", growth), ("weights", weights)):
        ratios = _ratios(amplitude[:, :, aligned])
        columns[name] = np.median(ratios, axis=2)
        columns[f"{name}_low"], columns[f"{name}_high"] = np.quantile(ratios, (0.1, 0.9), axis=2)
    at_start = {
        "D": start.D[:, None],
        "gradient": _ratios(gradient[:, 0]),
        "ideal": _ideal_ratios(network.p, n_harmonics, start.frequency, start.input_phase, start.D),
        "limit": np.stack(relu_leakage_limit(n_harmonics, start.D)),
    }
    start_axes = {"map": MAPS, "neuron": neurons, "harmonic": axes["harmonic"]}
    example = {"amplitude": weights[:, :, aligned[0]], "neuron": np.array(neurons[aligned[0]])}
    return {
        SHARES: long_table(network, axes, columns),
        EXAMPLE: long_table(network, axes, example),
        START: long_table(network, start_axes, at_start),
    }


def _maps_and_gradients(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return both maps and their loss gradients, (map, T, m, p) each."""
    weights = network.weights()
    gradient = training_gradient(network.setting)
    by_step = [gradient({name: w[t] for name, w in weights.items()}) for t in range(len(network.steps))]
    gradients = {name: np.stack([one[name] for one in by_step]) for name in weights}
    return np.stack(neuron_maps(network, weights)), np.stack(neuron_maps(network, gradients))


def _harmonics(x: np.ndarray, frequency: np.ndarray, n: int) -> np.ndarray:
    """Return complex amplitudes at harmonics 1..n of every neuron, (..., m, r)."""
    p = x.shape[-1]
    k = frequency[:, None] * np.arange(1, n + 1) % p  # (m, r)
    k = np.minimum(k, p - k)
    z, _ = complex_amplitude(x)  # (..., m, K)
    return np.take_along_axis(z, np.broadcast_to(k - 1, (*z.shape[:-1], n)), axis=-1)


def _ratios(amplitude: np.ndarray) -> np.ndarray:
    """Return amplitudes over that at r = 1; NaN where that is 0."""
    first = amplitude[..., :1]
    return amplitude / np.where(first > 0, first, np.nan)


def _ideal_ratios(p: int, n: int, frequency: np.ndarray, phase: np.ndarray, D: np.ndarray) -> np.ndarray:
    """Return the ratios of ideal neurons with these phases, (map, m, r)."""
    neurons = zip(frequency.tolist(), phase.tolist(), D.tolist(), strict=True)
    return np.stack([np.stack(relu_leakage(p, n, k, phi, D_m)) for k, phi, D_m in neurons], axis=1)
