"""Tables of harmonics of single-frequency ReLU neurons: gradient, weights, theory.

T  checkpoints     m  neurons     r  harmonics 1, 2, ... of each neuron's own frequency

A frequency that shares a factor with p has harmonics in common with others; its neurons are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analyses.leakage.schema import EXAMPLE, SHARES, START
from analyses.tables.long_format import gather, long_table
from analyses.tables.schema import Table
from interp.dynamics.harmonic_leakage import relu_leakage, relu_leakage_limit
from interp.mechanism.phase_alignment import misalignment
from interp.spectra.fourier import complex_amplitude
from interp.spectra.weight_spectrum import neuron_frequency
from training.inspection.loss_gradient import training_gradient
from training.models.one_hot_mlp.architecture import OneHotMLP
from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

MAPS = ("input", "output")
HARMONICS = 5
ALIGNED_SHARE = 1 / 32
"""Share of the neurons, by smallest initial |D|, that are treated as aligned."""
IDEAL_P = (11, 23, 47, 97, 113, 197)
IDEAL_PHASES = 32
"""Number of phases of the ideal neuron, evenly spaced in [0, π): a phase of π more changes nothing."""


def tables_of_run(networks: Sequence[Network]) -> dict[Table, pd.DataFrame]:
    """Return the tables of all networks: ratios, first gradients, one neuron's amplitudes.

    Raises
    ------
    RunError
        If a network is not of ReLU neurons that begin with one frequency each.
    """
    for network in networks:
        _require_relu(network)
    parts = [_network_tables(network) for network in networks]
    return {table: gather([part[table] for part in parts]) for table in parts[0]}


def ideal_neuron() -> pd.DataFrame:
    """Return how far an ideal aligned neuron's ratios are from their limits, for several p."""
    phases = np.linspace(0, np.pi, IDEAL_PHASES, endpoint=False)
    rows = []
    for p in IDEAL_P:
        K = (p - 1) // 2
        limit = np.stack(relu_leakage_limit(K))  # (map, r)
        exact = np.stack(
            [np.stack(relu_leakage(p, K, phase=float(phi))) for phi in phases]
        )  # (phase, map, r)
        error = np.abs(exact - limit).max(axis=0)
        rows += [
            {
                "p": p,
                "map": name,
                "n_harmonics": K,
                "harmonic": int(errors.argmax()) + 1,
                "error": errors.max(),
            }
            for name, errors in zip(MAPS, error, strict=True)
        ]
    return pd.DataFrame(rows)


def _require_relu(network: Network) -> None:
    """Raise unless a network is of ReLU neurons that start from one frequency each."""
    model = network.setting.model
    assert network.p
    if not isinstance(model, OneHotMLP) or (model.activation, model.init) != ("relu", "single_frequency"):
        got = f"{model.function} with init {getattr(model, 'init', 'normal')}"
        expected = f"a one_hot_mlp.relu with init single_frequency, and this one is {got}"
        raise RunError(f"{network.files.path}: expected {expected}")


def _network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    """Return the tables of one network."""
    weights = network.weights()
    maps = np.stack(network.maps_of_sums(weights))  # (map, T, m, p)
    gradient = training_gradient(network.setting)
    slopes = [gradient({name: w[t] for name, w in weights.items()}) for t in range(len(network.steps))]
    downhill = np.stack(network.maps_of_sums({name: np.stack([s[name] for s in slopes]) for name in weights}))
    neurons = np.flatnonzero(np.gcd(neuron_frequency(maps[0, 0])[0], network.p) == 1)
    maps, downhill = maps[:, :, neurons], downhill[:, :, neurons]
    start = misalignment(maps[0, 0], maps[1, 0])
    n_harmonics = min(HARMONICS, (network.p - 1) // 2)
    moved = np.diff(maps, axis=1, prepend=maps[:, :1])
    weight, slope, growth = (
        np.abs(_harmonics(x, start.frequency, n_harmonics)) for x in (maps, downhill, moved)
    )  # (map, T, m, r)
    nearest = np.argsort(np.abs(start.D))[: max(1, round(ALIGNED_SHARE * len(start.D)))]
    axes = {"map": MAPS, "step": network.steps, "harmonic": range(1, n_harmonics + 1)}
    limit = np.stack(relu_leakage_limit(n_harmonics))  # (map, r)
    columns = {"limit": limit[:, None], "n_aligned": np.array(len(nearest))}
    for name, amplitude in (("gradient", slope), ("growth", growth), ("weights", weight)):
        aligned = _relative(amplitude[:, :, nearest])
        columns[name] = np.median(aligned, axis=2)
        columns |= {
            f"{name}_{end}": np.quantile(aligned, q, axis=2) for end, q in (("low", 0.1), ("high", 0.9))
        }
    at_start = {
        "D": start.D[:, None],
        "gradient": _relative(slope[:, 0]),
        "ideal": _ideal_of(network.p, n_harmonics, start.frequency, start.input_phase, start.D),
        "limit": np.stack(relu_leakage_limit(n_harmonics, start.D)),
    }
    neuron_axes = {"map": MAPS, "neuron": neurons, "harmonic": axes["harmonic"]}
    example = {"amplitude": weight[:, :, nearest[0]], "neuron": np.array(neurons[nearest[0]])}
    return {
        SHARES: long_table(network, axes, columns),
        START: long_table(network, neuron_axes, at_start),
        EXAMPLE: long_table(network, axes, example),
    }


def _harmonics(x: np.ndarray, frequency: np.ndarray, n: int) -> np.ndarray:
    """Return complex amplitudes at harmonics 1..n of each neuron's frequency, (..., m, r)."""
    p = x.shape[-1]
    k = frequency[:, None] * np.arange(1, n + 1) % p  # (m, r)
    k = np.minimum(k, p - k)
    z, _ = complex_amplitude(x)  # (..., m, K)
    return np.take_along_axis(z, np.broadcast_to(k - 1, (*z.shape[:-1], n)), axis=-1)


def _relative(amplitude: np.ndarray) -> np.ndarray:
    """Return amplitudes relative to r = 1; NaN where that is 0, as in the growth up to the start."""
    first = amplitude[..., :1]
    return amplitude / np.where(first > 0, first, np.nan)


def _ideal_of(p: int, n: int, frequency: np.ndarray, phase: np.ndarray, misaligned: np.ndarray) -> np.ndarray:
    """Return the ratios of ideal neurons of these phases, (map, m, r)."""
    each = zip(frequency.tolist(), phase.tolist(), misaligned.tolist(), strict=True)
    return np.stack([np.stack(relu_leakage(p, n, k, phi, D)) for k, phi, D in each], axis=1)
