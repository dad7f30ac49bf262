"""Command `analyses.fourier`: periodicity of every neuron's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyses.fourier.schema import (
    ANALYSIS,
    INPUT_WEIGHTS,
    KEY_FREQUENCIES,
    MEANS,
    NEURONS,
    PAIRS,
    SPECTRA,
)
from analyses.running.command import Command
from analyses.running.command_line import Result
from analyses.tables.schema import Table
from training.cli.machine import available_cores

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from training.inspection.trained_network import Network
    from training.models.pair_activations import PairActivations
    from training.runs.run_directory import RunDir


def measure(run: RunDir, networks: list[Network]) -> Result:
    """Return the tables of all networks, with a summary per arm."""
    from concurrent.futures import ThreadPoolExecutor

    from analyses.fourier.summary import summarise
    from analyses.loading.reference_arms import dense_reference
    from analyses.tables.long_format import gather

    with ThreadPoolExecutor(available_cores()) as pool:  # the transforms let go of the lock
        parts = list(pool.map(_network_tables, networks))
    tables = {table: gather([part[table] for part in parts]) for table in ANALYSIS}
    references = {network.arm: dense_reference(network.recipe, network.arm) for network in networks}
    n_frequencies = networks[0].p // 2
    summary = summarise(tables, n_frequencies, references)
    return Result(tables, *summary)


def _network_tables(network: Network) -> dict[Table, pd.DataFrame]:
    import numpy as np

    from analyses.tables.key_frequency_rows import key_frequency_rows
    from analyses.tables.long_format import gather, long_table
    from interp.mechanism.key_frequency_rules import key_frequencies_by_rule
    from interp.spectra.weight_spectrum import frequency_power

    weights, model = network.weights(), network.setting.model
    assert network.p
    maps = model.neuron_maps(weights)  # (T, m, p)
    ends = model.residue_weights(weights)  # (T, p, ...)
    by_residue = ends | {name: np.swapaxes(W, -1, -2) for name, W in maps.items()}
    axes = {"step": network.steps, "weight": list(by_residue), "frequency": range(1, network.p // 2 + 1)}
    share = np.stack([frequency_power(W) for W in by_residue.values()], axis=1)  # (T, weight, K)
    measured = [_map_tables(network, name, W) for name, W in maps.items()]
    activations = model.pair_activations({name: w[-1] for name, w in weights.items()})
    keys = key_frequencies_by_rule(
        next(iter(ends.values()))[-1],
        maps["output"][-1],
        activations.hidden,
        activations.activation,
        maps["input"][-1],
    )
    return {
        MEANS: gather([means for means, _ in measured]),
        NEURONS: gather([neurons for _, neurons in measured]),
        SPECTRA: long_table(network, axes, {"share": share}),
        KEY_FREQUENCIES: key_frequency_rows(network, network.steps[-1:], [keys]),
        PAIRS: _pairs(network, activations),
        INPUT_WEIGHTS: _input_weights(network, maps["input"]),
    }


def _map_tables(network: Network, name: str, W: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of means and neurons of one map (T, m, p)."""
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.concentration import fourier_entropy, inverse_participation_ratio, neuron_gini
    from interp.spectra.fourier import amplitude_phase
    from interp.spectra.tied_frequencies import has_tied_frequency
    from interp.spectra.weight_spectrum import mean_over_neurons, neuron_frequency

    frequency, energy_share = neuron_frequency(W)  # (T, m)
    amplitude, phase = (
        np.take_along_axis(x, np.maximum(frequency, 1)[..., None] - 1, axis=-1)[..., 0]
        for x in amplitude_phase(W)
    )
    per_neuron = {
        "entropy": fourier_entropy(W),
        "entropy_paper": _paper_entropy(W),
        "ipr_frequency": inverse_participation_ratio(W),
        "ipr_basis": inverse_participation_ratio(W, "basis"),
        "gini": neuron_gini(W),
        "energy_share": energy_share,
    }
    means = {measure: mean_over_neurons(values)[0] for measure, values in per_neuron.items()}
    means["n_frequencies"] = np.array([len(np.unique(k[k > 0])) for k in frequency])
    means["n_dead"] = (frequency == 0).sum(axis=-1)
    means["n_tied"] = has_tied_frequency(W).sum(axis=-1)
    at = {"step": network.steps, "map": [name]}
    axes = at | {"neuron": range(W.shape[1])}
    columns = {"frequency": frequency, "amplitude": amplitude, "phase": phase} | per_neuron
    return (
        long_table(network, at, {measure: values[:, None] for measure, values in means.items()}),
        long_table(network, axes, {measure: values[:, None] for measure, values in columns.items()}),
    )


def _paper_entropy(W: np.ndarray) -> np.ndarray:
    """Return the entropy of the paper's code; NaN for p = 3."""
    import numpy as np

    from interp.spectra.concentration import fourier_entropy

    if W.shape[-1] == 3:
        return np.full(W.shape[:-1], np.nan)
    return fourier_entropy(W, paper_compat=True)


def _pairs(network: Network, activations: PairActivations) -> pd.DataFrame:
    """Return the last network's variance by frequency over both inputs."""
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.pair_spectrum import pair_power

    share = np.stack([pair_power(activations.logits), pair_power(activations.hidden)])  # (2, K+1, K+1)
    frequencies = range(share.shape[-1])
    axes = {
        "step": network.steps[-1:],
        "of": ["logits", "neurons"],
        "over_a": frequencies,
        "over_b": frequencies,
    }
    return long_table(network, axes, {"share": share[None]})


def _input_weights(network: Network, input_map: np.ndarray) -> pd.DataFrame:
    """Return the neurons' input weights at the first and last checkpoint, with their cosines.

    `turned` is (last frequency × residue) mod p: in its order the last cosine turns once.
    """
    import numpy as np

    from analyses.tables.long_format import long_table
    from interp.spectra.fourier import amplitude_phase
    from interp.spectra.weight_spectrum import neuron_frequency

    m, p = input_map.shape[1:]
    ends = sorted({0, len(input_map) - 1})  # one of them if there is a single checkpoint
    input_map = input_map[ends]  # (2, m, p)
    frequency, _ = neuron_frequency(input_map)  # (2, m)
    at = np.maximum(frequency, 1)[..., None]
    amplitude, phase = (
        np.take_along_axis(x, at - 1, axis=-1) for x in amplitude_phase(input_map)
    )  # (2, m, 1)
    cosine = np.cos(2 * np.pi * at * np.arange(p) / p + np.nan_to_num(phase))  # a dead neuron has no phase
    fit = input_map.mean(axis=-1, keepdims=True) + amplitude * cosine  # (2, m, p)
    turned = at[-1] * np.arange(p) % p  # (m, p)
    axes = {"step": network.steps[ends], "neuron": range(m), "residue": range(p)}
    return long_table(network, axes, {"turned": turned, "weight": input_map, "fit": fit})


COMMAND = Command(
    analysis=ANALYSIS,
    measure=lambda run, networks, args: measure(run, networks),
)
main = COMMAND.main
