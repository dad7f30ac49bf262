"""Tables of the lottery: every rule's agreement, every neuron's draw, the race of one, blow-up times.

m  neurons     K  frequencies     T  checkpoints or saved times
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.long_format import gather, groups
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

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

MOMENTS = 240  # saved times of a simulated race
EQUAL_NEURONS, EQUAL_GROWTH = 512, 20.0
NEARLY = 0.99  # share of the blow-up time that the race is drawn to, and of pi that the map of times is


def tables_of_run(networks: Sequence[Network], growth: float) -> dict[str, pd.DataFrame]:
    """First checkpoint against last, of every network; the race of one neuron of the first, by SGD if any."""
    shown = next((n for n in networks if n.setting.optimizer.name == "sgd"), networks[0])
    parts = []
    for network in networks:
        weights = network.weights()
        u, v = _amplitudes(
            *network.maps_of_sums({name: w[[0, -1]] for name, w in weights.items()})
        )  # (2, m, K)
        first, last = neuron_norm(u[0], v[0]), neuron_norm(u[1], v[1])
        alive = u.any(axis=-1).all(axis=0) & v.any(axis=-1).all(axis=0)  # (m,)
        times = np.divide(last, first, out=np.zeros_like(last), where=alive)
        final = np.where(alive, np.abs(u[1]).argmax(axis=-1) + 1, 0)
        drawn = _drawn(network.arm, network.seed, network.p, u[0], v[0], final, times, times >= growth)
        parts.append(drawn)
        if network is shown:
            neuron = int(times.argmax())
            maps = network.maps(weights)
            path = _amplitudes(*(x[:, neuron] for x in maps))  # (T, K)
            more = _example(network.arm, network.seed, network.p, neuron, network.steps, *path)
    more["_equal"] = equal_magnitudes(shown.p)
    return {name: gather([part[name] for part in parts]) for name in parts[0]} | more


def tables_of_flow(
    p: int, neurons: int, seed: int, init_scale: float, growth: float
) -> dict[str, pd.DataFrame]:
    """The same of random neurons that follow the decoupled flow, each until it has grown `growth` times."""
    theta, xi = init_scale * np.random.default_rng(seed).normal(size=(2, neurons, p)) / np.sqrt(p)
    u, v = _amplitudes(theta, xi)  # (m, K)
    T = blowup_time(u[0], v[0], p, mean_loss=True).min()
    time = np.linspace(0, NEARLY * T, MOMENTS)
    path = gradient_flow(u[0], v[0], p, time, mean_loss=True)
    tables = _raced("flow", seed, p, u, v, growth)
    tables |= _example("flow", seed, p, 0, path.time, path.u, path.v)
    return tables | {"_equal": equal_magnitudes(p)}


def equal_magnitudes(p: int) -> pd.DataFrame:
    """The rules on neurons that follow the decoupled flow from equal amplitudes and random phases."""
    phases = np.random.default_rng(0).uniform(-np.pi, np.pi, size=(2, EQUAL_NEURONS, check_modulus(p)))
    u, v = np.exp(1j * phases)  # of any size: they are followed until they have grown
    return _raced("equal_magnitudes", 0, p, u, v, EQUAL_GROWTH)[""]


def pooled(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Per arm and rule, shares over the neurons of all seeds."""
    rows = []
    for (arm, rule), own in groups(table, ["arm", "rule"]):
        n, n_grown = int(own["n"].sum()), int(own["n_grown"].sum())
        weight = own["n_grown"] / n_grown if n_grown else np.nan
        rows.append(
            {
                "arm": arm,
                "rule": rule,
                "n_seeds": len(own),
                "n": n,
                "n_grown": n_grown,
                "share": own["hits"].sum() / n if n else np.nan,
                "share_grown": own["hits_grown"].sum() / n_grown if n_grown else np.nan,
                "low": own["low"].min(),
                "high": own["high"].max(),
                "chance": float(own["chance"].iloc[0]),
                "shuffled_chance": float((own["shuffled_chance"].fillna(0) * weight).sum(min_count=1)),
            }
        )
    return rows


def _raced(
    arm: str, seed: int, p: int, u: np.ndarray, v: np.ndarray, growth: float
) -> dict[str, pd.DataFrame]:
    """What each rule says of the start, held against the decoupled flow."""
    end = simulate_competition(u, v, p, growth=growth)
    final = np.where(end.finished, np.abs(end.u).argmax(axis=-1) + 1, 0)
    times = neuron_norm(end.u, end.v) / neuron_norm(u, v)
    return _drawn(arm, seed, p, u, v, final, times, end.finished)


def _drawn(
    arm: str,
    seed: int,
    p: int,
    u: np.ndarray,
    v: np.ndarray,
    final: np.ndarray,
    growth: np.ndarray,
    grown: np.ndarray,
) -> dict[str, pd.DataFrame]:
    """What each rule says of the start (u, v), and how often it is the final frequency."""
    K = check_modulus(p)
    named = {rule: predicted_frequency(rule, u, v) for rule in LOTTERY_RULES}
    rows = []
    for rule, predicted in named.items():
        all_, of_grown = match_frequencies(predicted, final, K), match_frequencies(predicted, final, K, grown)
        rows.append(
            {"arm": arm, "seed": seed, "rule": rule}
            | {"n": all_.n, "hits": all_.hits, "n_grown": of_grown.n, "hits_grown": of_grown.hits}
            | {"share": all_.share, "share_grown": of_grown.share, "low": of_grown.low, "high": of_grown.high}
            | {"chance": of_grown.chance, "shuffled_chance": of_grown.shuffled_chance}
        )
    neurons = {
        "arm": arm,
        "seed": seed,
        "neuron": np.arange(len(final)),
        "final_frequency": final,
        "growth": growth,
        "grown": grown,
        **named,
        "blowup_time": blowup_time(u, v, p, mean_loss=True).min(axis=-1),
    }
    return {"": pd.DataFrame(rows), "_neurons": pd.DataFrame(neurons)}


def _example(
    arm: str, seed: int, p: int, neuron: int, time: np.ndarray, u: np.ndarray, v: np.ndarray
) -> dict[str, pd.DataFrame]:
    """One neuron's frequencies over time (T, K), and blow-up times around where they started."""
    K = u.shape[-1]
    winner = int(np.abs(u[-1]).argmax()) + 1
    path = pd.DataFrame(
        {
            "arm": arm,
            "seed": seed,
            "neuron": neuron,
            "time": np.repeat(time, K),
            "frequency": np.tile(np.arange(1, K + 1), len(time)),
            "input_amplitude": np.abs(u).ravel(),
            "output_amplitude": np.abs(v).ravel(),
            "D": wrap_angle(np.angle(u * u * np.conj(v))).ravel(),
        }
    )
    path["final"] = path["frequency"] == winner
    size = np.cbrt(np.abs(u[0]) ** 2 * np.abs(v[0]))  # where alpha = beta, both
    high = size.max() or 1.0
    low = size[size > 0].min(initial=high)
    amplitude, D = np.meshgrid(np.linspace(0.8 * low, 1.1 * high, 40), np.linspace(0, NEARLY * np.pi, 40))
    times = blowup_time(amplitude + 0j, amplitude * np.exp(-1j * D), p, mean_loss=True)
    contour = {"amplitude": amplitude.ravel(), "D": D.ravel(), "blowup_time": times.ravel()}
    return {"_race": path, "_times": pd.DataFrame(contour)}


def _amplitudes(input_map: np.ndarray, output_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return complex_amplitude(input_map)[0], complex_amplitude(output_map)[0]
