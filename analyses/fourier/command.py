"""How periodic each neuron's weights are, and how early they become so."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analyses.running.command_line import Result, analyse, parser
from training.cli.machine import available_cores

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from analyses.loading.trained_network import Network
    from training.models.forward_pass import Passes
    from training.runs.run_directory import RunDir


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write."""
    about = "Fourier structure of every neuron's input and output weights, at every checkpoint."
    args: argparse.Namespace = parser("fourier", about).parse_args(argv)
    return analyse("fourier", args, measure)


def measure(run: RunDir, networks: list[Network]) -> Result:
    """All tables of the networks, and what came of them per arm."""
    from concurrent.futures import ThreadPoolExecutor

    from analyses.fourier.summary import summarise
    from analyses.tables.long_format import gather

    with ThreadPoolExecutor(available_cores()) as pool:  # the transforms let go of the lock
        parts = list(pool.map(_network, networks))
    tables = {suffix: gather([part[suffix] for part in parts]) for suffix in parts[0]}
    return Result(tables, *summarise(tables[""], tables["_key_frequencies"], networks[0].p // 2))


def _network(network: Network) -> dict[str, pd.DataFrame]:
    import numpy as np

    from analyses.tables.key_frequencies import key_table
    from analyses.tables.long_format import gather, long_table
    from interp.mechanism.effective_weights import effective_maps, residue_weights
    from interp.mechanism.key_frequency_rules import key_frequencies_by_rule
    from interp.spectra.weight_spectrum import frequency_power
    from training.models.forward_pass import pass_pairs

    weights, model = network.weights(), network.setting.model
    assert network.p
    maps = effective_maps(model.name, weights)  # (T, m, p)
    ends = residue_weights(model.name, weights)  # (T, p, ...)
    by_residue = ends | {name: np.swapaxes(W, -1, -2) for name, W in maps.items()}
    axes = {"step": network.steps, "weight": list(by_residue), "frequency": range(1, network.p // 2 + 1)}
    share = np.stack([frequency_power(W) for W in by_residue.values()], axis=1)  # (T, weight, K)
    measured = [_map(network, name, W) for name, W in maps.items()]
    passes = pass_pairs(model, {name: w[-1] for name, w in weights.items()})
    keys = key_frequencies_by_rule(next(iter(ends.values()))[-1], maps["output"][-1], passes.hidden)
    return {
        "": gather([means for means, _ in measured]),
        "_neurons": gather([neurons for _, neurons in measured]),
        "_spectra": long_table(network, axes, {"share": share}),
        "_key_frequencies": key_table(network, network.steps[-1:], [keys]),
        "_pairs": _pairs(network, passes),
        "_input_weights": _input_weights(network, maps["input"][[0, -1]]),
    }


def _map(network: Network, name: str, W: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row per checkpoint, and a row per checkpoint and neuron, of one map (T, m, p)."""
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.concentration import fourier_entropy, inverse_participation_ratio, neuron_gini
    from interp.spectra.fourier import amplitude_phase
    from interp.spectra.weight_spectrum import mean_over_neurons, neuron_frequency

    frequency, energy_share = neuron_frequency(W)  # (T, m)
    amplitude, phase = (
        np.take_along_axis(x, np.maximum(frequency, 1)[..., None] - 1, axis=-1)[..., 0]
        for x in amplitude_phase(W)
    )
    per_neuron = {
        "entropy": fourier_entropy(W),
        "entropy_paper": fourier_entropy(W, paper_compat=True),
        "ipr_frequency": inverse_participation_ratio(W),
        "ipr_basis": inverse_participation_ratio(W, "basis"),
        "gini": neuron_gini(W),
        "energy_share": energy_share,
    }
    means = {measure: mean_over_neurons(values)[0] for measure, values in per_neuron.items()}
    means["n_frequencies"] = np.array([len(np.unique(k[k > 0])) for k in frequency])
    means["n_dead"] = (frequency == 0).sum(axis=-1)
    at = {"step": network.steps, "map": [name]}
    axes = at | {"neuron": range(W.shape[1])}
    own = {"frequency": frequency, "amplitude": amplitude, "phase": phase} | per_neuron
    return (
        long_table(network, at, {measure: values[:, None] for measure, values in means.items()}),
        long_table(network, axes, {measure: values[:, None] for measure, values in own.items()}),
    )


def _pairs(network: Network, passes: Passes) -> pd.DataFrame:
    """What the last network computes of two inputs, by frequency over either."""
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.pair_spectrum import pair_power

    share = np.stack([pair_power(passes.logits), pair_power(passes.hidden)])  # (2, K+1, K+1)
    frequencies = range(share.shape[-1])
    axes = {
        "step": network.steps[-1:],
        "of": ["logits", "neurons"],
        "over_a": frequencies,
        "over_b": frequencies,
    }
    return long_table(network, axes, {"share": share[None]})


def _input_weights(network: Network, input_map: np.ndarray) -> pd.DataFrame:
    """Every neuron's input weights at the first and last checkpoint, with the cosine at its frequency.

    `turned` is (last frequency × residue) mod p: in its order the last cosine turns once.
    """
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.fourier import amplitude_phase
    from interp.spectra.weight_spectrum import neuron_frequency

    m, p = input_map.shape[1:]
    frequency, _ = neuron_frequency(input_map)  # (2, m)
    at = np.maximum(frequency, 1)[..., None]
    amplitude, phase = (
        np.take_along_axis(x, at - 1, axis=-1) for x in amplitude_phase(input_map)
    )  # (2, m, 1)
    cosine = np.cos(2 * np.pi * at * np.arange(p) / p + np.nan_to_num(phase))  # a dead neuron has no phase
    fit = input_map.mean(axis=-1, keepdims=True) + amplitude * cosine  # (2, m, p)
    turned = at[-1] * np.arange(p) % p  # (m, p)
    axes = {"step": network.steps[[0, -1]], "neuron": range(m), "residue": range(p)}
    return long_table(network, axes, {"turned": turned, "weight": input_map, "fit": fit})
