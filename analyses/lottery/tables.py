"""Tables of rules, neurons, one neuron's race, blow-up times.

m  neurons     K  frequencies     T  checkpoints or saved times
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analyses.loading.neuron_maps import neuron_maps
from analyses.lottery.schema import EQUAL, NEURONS, RACE, RULES, SIMULATED_ROLE, TIMES
from analyses.tables.long_format import gather
from analyses.tables.schema import Table
from interp.dynamics.decoupled_flow import gradient_flow
from interp.dynamics.frequency_competition import neuron_norm, simulate_competition
from interp.dynamics.frequency_lottery import (
    LOTTERY_RULES,
    blowup_time,
    match_frequencies,
    predicted_frequency,
)
from interp.mechanism.phase_alignment import wrap_angle
from interp.spectra.fourier import check_modulus, complex_amplitude
from interp.spectra.tied_frequencies import first_largest

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

SAVED_TIMES = 240
"""Saved times of a simulated race."""
EQUAL_NEURONS, EQUAL_GROWTH = 512, 20.0
"""Neurons simulated from equal amplitudes, and the growth up to which they are followed."""
ALMOST = 0.99
"""Share of the blow-up time up to which a race runs, and of π up to which the map of times reaches."""


@dataclass(frozen=True, kw_only=True)
class Neurons:
    """Initial amplitudes of a network's neurons, and their final frequencies."""

    arm: str
    role: str
    seed: int
    p: int
    u: np.ndarray
    """Complex amplitudes of the input map at the start, (m, K)."""
    v: np.ndarray
    """Complex amplitudes of the output map at the start, (m, K)."""
    final_frequency: np.ndarray
    """Frequency of largest input amplitude at the end, (m,); 0 for a dead neuron."""
    growth: np.ndarray
    """Last norm over first norm, (m,)."""
    grown: np.ndarray
    """True for neurons that grew by the requested factor, (m,)."""

    @property
    def names(self) -> dict[str, str | int]:
        """Columns that name the network."""
        return {"arm": self.arm, "arm_role": self.role, "seed": self.seed}


def run_tables(networks: Sequence[Network], growth: float) -> dict[Table, pd.DataFrame]:
    """Return the tables of a run: first checkpoint against last.

    The race is of one neuron of the first network by gradient descent, or of the first network if none is.
    """
    shown = next((n for n in networks if n.setting.optimizer.name == "sgd"), networks[0])
    rules, neurons = [], []
    for network in networks:
        weights = network.weights()
        trained = _trained_neurons(network, weights, growth)
        rules.append(_rule_rows(trained))
        neurons.append(_neuron_rows(trained))
        if network is shown:
            neuron = int(trained.growth.argmax())
            u, v = _amplitudes(*(rows[:, neuron] for rows in neuron_maps(network, weights)))  # (T, K)
            race, times = _race(trained, neuron, network.steps, u, v), _blowup_times(u[0], v[0], network.p)
    equal = equal_amplitude_rules(shown.p)
    return {RULES: gather(rules), EQUAL: equal, NEURONS: gather(neurons), RACE: race, TIMES: times}


def simulated_tables(
    p: int, neurons: int, seed: int, init_scale: float, growth: float
) -> dict[Table, pd.DataFrame]:
    """Return the tables of random neurons in the decoupled flow."""
    theta, xi = init_scale * np.random.default_rng(seed).normal(size=(2, neurons, p)) / np.sqrt(p)
    u, v = _amplitudes(theta, xi)  # (m, K)
    end = ALMOST * blowup_time(u[0], v[0], p, mean_loss=True).min()
    path = gradient_flow(u[0], v[0], p, np.linspace(0, end, SAVED_TIMES), mean_loss=True)
    simulated = _simulated_neurons("flow", seed, p, u, v, growth)
    return {
        RULES: _rule_rows(simulated),
        EQUAL: equal_amplitude_rules(p),
        NEURONS: _neuron_rows(simulated),
        RACE: _race(simulated, 0, path.time, path.u, path.v),
        TIMES: _blowup_times(path.u[0], path.v[0], p),
    }


def equal_amplitude_rules(p: int) -> pd.DataFrame:
    """Return the rules' shares from equal amplitudes and random phases."""
    return _rule_rows(_equal_amplitude_neurons(p))


@functools.cache
def _equal_amplitude_neurons(p: int) -> Neurons:
    """Return simulated neurons of equal initial amplitudes."""
    phases = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(2, EQUAL_NEURONS, check_modulus(p)))
    u, v = np.exp(1j * phases)  # the size does not matter: neurons are followed until they have grown
    return _simulated_neurons("equal_magnitudes", 0, p, u, v, EQUAL_GROWTH)


def _trained_neurons(network: Network, weights: Mapping[str, np.ndarray], growth: float) -> Neurons:
    ends = {name: stacked[[0, -1]] for name, stacked in weights.items()}
    u, v = _amplitudes(*neuron_maps(network, ends))  # (2, m, K)
    first, last = neuron_norm(u[0], v[0]), neuron_norm(u[1], v[1])
    live = u.any(axis=-1).all(axis=0) & v.any(axis=-1).all(axis=0)  # (m,)
    ratio = np.divide(last, first, out=np.zeros_like(last), where=live)
    return Neurons(
        arm=network.arm,
        role=network.role,
        seed=network.seed,
        p=network.p,
        u=u[0],
        v=v[0],
        final_frequency=np.where(live, first_largest(np.abs(u[1])) + 1, 0),
        growth=ratio,
        grown=ratio >= growth,
    )


def _simulated_neurons(arm: str, seed: int, p: int, u: np.ndarray, v: np.ndarray, growth: float) -> Neurons:
    """Return neurons with their winning frequencies in the flow."""
    end = simulate_competition(u, v, p, growth=growth)
    return Neurons(
        arm=arm,
        role=SIMULATED_ROLE,
        seed=seed,
        p=p,
        u=u,
        v=v,
        final_frequency=np.where(end.finished, first_largest(np.abs(end.u)) + 1, 0),
        growth=neuron_norm(end.u, end.v) / neuron_norm(u, v),
        grown=end.finished,
    )


def _rule_rows(neurons: Neurons) -> pd.DataFrame:
    """Return how often each rule is right."""
    K, final = check_modulus(neurons.p), neurons.final_frequency
    rows = []
    for rule in LOTTERY_RULES:
        predicted = predicted_frequency(rule, neurons.u, neurons.v)
        live, grown = (match_frequencies(predicted, final, K, among) for among in (None, neurons.grown))
        rows.append(
            neurons.names
            | {"rule": rule}
            | {"n": live.n, "hits": live.hits, "n_grown": grown.n, "hits_grown": grown.hits}
            | {"share": live.share, "share_grown": grown.share, "low": grown.low, "high": grown.high}
            | {"chance": grown.chance, "shuffled_chance": grown.shuffled_chance}
        )
    return pd.DataFrame(rows)


def _neuron_rows(neurons: Neurons) -> pd.DataFrame:
    """Return every neuron's final frequency, growth, and predicted frequencies."""
    u, v = neurons.u, neurons.v
    columns = neurons.names | {
        "neuron": np.arange(len(u)),
        "final_frequency": neurons.final_frequency,
        "growth": neurons.growth,
        "grown": neurons.grown,
    }
    columns |= {rule: predicted_frequency(rule, u, v) for rule in LOTTERY_RULES}
    columns["blowup_time"] = blowup_time(u, v, neurons.p, mean_loss=True).min(axis=-1)
    return pd.DataFrame(columns)


def _race(neurons: Neurons, neuron: int, time: np.ndarray, u: np.ndarray, v: np.ndarray) -> pd.DataFrame:
    """Return one neuron's amplitudes (T, K) and misalignments over time."""
    K = u.shape[-1]
    columns = neurons.names | {
        "neuron": neuron,
        "time": np.repeat(time, K),
        "frequency": np.tile(np.arange(1, K + 1), len(time)),
        "input_amplitude": np.abs(u).ravel(),
        "output_amplitude": np.abs(v).ravel(),
        "D": wrap_angle(np.angle(u * u * np.conj(v))).ravel(),
    }
    race = pd.DataFrame(columns)
    return race.assign(final=race["frequency"] == int(first_largest(np.abs(u[-1]))) + 1)


def _blowup_times(u: np.ndarray, v: np.ndarray, p: int) -> pd.DataFrame:
    """Return blow-up times on a grid around a neuron's start."""
    size = np.cbrt(np.abs(u) ** 2 * np.abs(v))  # equals both amplitudes where these are equal
    high = size.max() or 1.0
    low = size[size > 0].min(initial=high)
    amplitude, D = np.meshgrid(np.linspace(0.8 * low, 1.1 * high, 40), np.linspace(0, ALMOST * np.pi, 40))
    times = blowup_time(amplitude + 0j, amplitude * np.exp(-1j * D), p, mean_loss=True)
    return pd.DataFrame({"amplitude": amplitude.ravel(), "D": D.ravel(), "blowup_time": times.ravel()})


def _amplitudes(input_map: np.ndarray, output_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return complex_amplitude(input_map)[0], complex_amplitude(output_map)[0]
