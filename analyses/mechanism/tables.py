"""Tables of settling neurons, inherited frequencies, predictions from masks.

m  neurons     K  frequencies     T  checkpoints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.loading.checkpoint_masks import masks_change
from analyses.loading.needs import lacks
from analyses.loading.neuron_maps import neuron_maps, second_input_map
from analyses.mechanism.schema import FREQUENCIES, MEANS, STAGES, WINNERS
from analyses.tables.long_format import gather, long_table
from analyses.tables.schema import Table
from interp.dynamics.frequency_lottery import LOTTERY_RULES, match_frequencies, predicted_frequency
from interp.mechanism.frequency_overlap import second_harmonic, set_overlap, weighted_agreement
from interp.mechanism.key_frequency_rules import embedding_key_frequencies
from interp.mechanism.phase_alignment import frequency_agreement, misalignment
from interp.spectra.fourier import check_modulus, complex_amplitude
from interp.spectra.weight_spectrum import frequency_power, neuron_frequency
from training.runs.atomic_files import RunError

if TYPE_CHECKING:
    from training.inspection.trained_network import Network

Weights = Mapping[str, np.ndarray]
REFERENCES = ("dense_end", "end")
"""Stages that all stages are compared with."""


@dataclass(frozen=True, kw_only=True)
class FrequencyUse:
    """Frequencies of a network's input map at one stage."""

    step: int
    frequency: np.ndarray
    """Frequency of every neuron, (m,); 0 for a dead one."""
    share: np.ndarray
    """Share of all neurons' energy at each frequency, (K,)."""
    keys: np.ndarray
    """Key frequencies, by the rule `embedding_norm` applied to the map."""


def mechanism_tables(networks: Sequence[Network]) -> dict[Table, pd.DataFrame]:
    """Return all tables, pruned networks compared with dense ones."""
    means, stage_rows, frequency_rows, predictions = [], [], [], []
    for network in networks:
        weights = network.weights()
        mask = None if masks_change(network) else network.mask
        means.append(_through_training(network, weights))
        sources = partial_starts(weights, mask)
        dense_and_step = None if mask is None else _dense_network(network, weights, mask, networks)
        if mask is not None and dense_and_step is not None:
            dense, mask_step = dense_and_step
            dense_weights = dense.weights()
            sources["unmasked"] = _at(dense_weights, 0)
            uses = _use_by_stage(network, weights, mask, dense, dense_weights, mask_step)
            stage_rows += _compared_stages(network, uses)
            frequency_rows += [_energy_by_frequency(network, stage, use) for stage, use in uses.items()]
        if lacks(network, "addition") is None:
            predictions.append(_predictions(network, weights, sources))
    return {
        MEANS: gather(means),
        FREQUENCIES: gather(frequency_rows) if frequency_rows else pd.DataFrame(),
        STAGES: pd.DataFrame(stage_rows),
        WINNERS: gather(predictions) if predictions else pd.DataFrame(),
    }


def _through_training(network: Network, weights: Weights) -> pd.DataFrame:
    """Return a row per checkpoint."""
    input_map, output_map = neuron_maps(network, weights)  # (T, m, p)
    aligned = misalignment(input_map, output_map, second_map=second_input_map(network, weights))
    output_frequency, _ = neuron_frequency(output_map)  # (T, m)
    energy = (np.abs(complex_amplitude(input_map)[0]) ** 2).sum(axis=-1)  # (T, m)
    final_frequency = aligned.frequency[-1]
    settled, settled_chance = weighted_agreement(aligned.frequency, final_frequency)
    weighted, weighted_chance = weighted_agreement(aligned.frequency, final_frequency, energy[-1])
    keys = embedding_key_frequencies(input_map[-1].T)
    columns = {
        "settled": settled,
        "settled_chance": settled_chance,
        "settled_weighted": weighted,
        "settled_weighted_chance": weighted_chance,
        "same_frequency": frequency_agreement(aligned.frequency, output_frequency)[0],
        "mean_cos": aligned.mean_cos,
        "n_silent": aligned.n_silent,
        "weighted_cos": aligned.weighted_cos,
        "key_share": frequency_power(np.swapaxes(input_map, -1, -2))[:, keys - 1].sum(axis=-1),
        "n_keys": np.array(len(keys)),
    }
    if lacks(network, "addition") is not None:
        columns |= dict.fromkeys(("mean_cos", "weighted_cos"), np.array(np.nan))
    return long_table(network, {"step": network.steps}, columns)


def _dense_network(
    network: Network, weights: Weights, mask: Weights, networks: Sequence[Network]
) -> tuple[Network, int] | None:
    """Return the dense network of a mask, and its step.

    A mask that comes from no network (a random one) is compared with the last checkpoint of the dense network
    of its seed that began with the same weights. None if that network is not among `networks`.
    """
    by_name = {(other.arm, other.seed): other for other in networks}
    source = (network.files.done() or {}).get("source")
    while source is not None:
        source_network = by_name.get((source["arm"], source["seed"]))
        if source_network is None:
            return None
        if source_network.mask is None:
            return source_network, source["step"]
        source = (source_network.files.done() or {}).get("source")
    for other in networks:
        if other.seed != network.seed or other.mask is not None or other.setting != network.setting:
            continue
        start = _at(other.weights(), 0)
        masked = {name: np.where(is_kept, start[name], 0) for name, is_kept in mask.items()}
        if all((weights[name][0] == w).all() for name, w in masked.items()):
            return other, int(other.steps[-1])
    return None


def _use_by_stage(
    network: Network, weights: Weights, mask: Weights, dense: Network, dense_weights: Weights, mask_step: int
) -> dict[str, FrequencyUse]:
    """Return the frequencies in use at every stage."""
    stages = {"dense_start": (dense.steps[0], _at(dense_weights, 0))}
    metrics = dense.metrics
    t_gen = None if metrics is None else dense.setting.criterion.times(metrics).t_gen.at
    if t_gen is not None and t_gen <= mask_step:
        first = int(np.flatnonzero(dense.steps >= t_gen)[0])
        stages["dense_t_gen"] = (dense.steps[first], _at(dense_weights, first))
    at_mask = np.flatnonzero(dense.steps == mask_step)
    if not at_mask.size:
        raise RunError(
            f"{network.files.path / 'DONE'}: source.step: expected a checkpoint of {dense.files}, "
            f"got {mask_step}; give --steps with it, or leave --steps out"
        )
    trained = _at(dense_weights, int(at_mask[0]))
    stages["dense_end"] = (mask_step, trained)
    stages["pruned"] = (mask_step, {name: w * mask.get(name, True) for name, w in trained.items()})
    stages["start"], stages["end"] = ((network.steps[t], _at(weights, t)) for t in (0, -1))
    return {stage: _frequency_use(network, int(step), w) for stage, (step, w) in stages.items()}


def _frequency_use(network: Network, step: int, weights: Weights) -> FrequencyUse:
    input_map, _ = neuron_maps(network, weights)  # (m, p)
    return FrequencyUse(
        step=step,
        frequency=neuron_frequency(input_map)[0],
        share=frequency_power(input_map.T),
        keys=embedding_key_frequencies(input_map.T),
    )


def _compared_stages(network: Network, uses: Mapping[str, FrequencyUse]) -> list[dict[str, Any]]:
    """Compare every stage's frequencies with those of both references."""
    K = check_modulus(network.p)
    rows = []
    for reference in REFERENCES:
        other = uses[reference]
        for stage, use in uses.items():
            strongest = np.argsort(-use.share, kind="stable")[: len(other.keys)] + 1
            sets = set_overlap(strongest, other.keys, K)
            neurons = match_frequencies(use.frequency, other.frequency, K)
            rows.append(
                {"arm": network.arm, "seed": network.seed, "stage": stage, "step": use.step}
                | {"reference": reference, "n_keys": len(other.keys), "common": sets.common}
                | {"overlap": sets.jaccard, "chance": sets.chance, "p_value": sets.p_value}
                | {"key_share": use.share[other.keys - 1].sum(), "key_share_chance": len(other.keys) / K}
                | {"n": neurons.n, "same": neurons.share, "low": neurons.low, "high": neurons.high}
                | {"shuffled_chance": neurons.shuffled_chance}
            )
    return rows


def _energy_by_frequency(network: Network, stage: str, use: FrequencyUse) -> pd.DataFrame:
    K = len(use.share)
    columns = {
        "share": use.share,
        "neurons": np.bincount(use.frequency, minlength=K + 1)[1:],
        "key": np.isin(np.arange(1, K + 1), use.keys),
    }
    axes = {"stage": [stage], "step": [use.step], "frequency": range(1, K + 1)}
    return long_table(network, axes, columns)


def partial_starts(weights: Weights, mask: Weights | None) -> dict[str, Weights]:
    """Return initial weights as known from mask, signs or all.

    A weight of unknown size has the root mean square of its layer's kept weights.
    """
    start = _at(weights, 0)
    if mask is None:
        return {"start": start}
    size = {name: is_kept * _root_mean_square(start[name][is_kept]) for name, is_kept in mask.items()}
    signs = {name: w * np.sign(start[name]) for name, w in size.items()}
    return {"mask": size, "mask_doubled": size, "signs": signs, "start": start}


def _root_mean_square(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).mean())) if x.size else 0.0


def _predictions(network: Network, weights: Weights, sources: Mapping[str, Weights]) -> pd.DataFrame:
    """Return how often each rule is right, per source."""
    K = check_modulus(network.p)
    final_frequency, _ = neuron_frequency(neuron_maps(network, _at(weights, -1))[0])
    rows = []
    for source, source_weights in sources.items():
        u, v = (complex_amplitude(W)[0] for W in neuron_maps(network, source_weights))  # (m, K)
        if source == "mask_doubled":
            u, v = second_harmonic(u), second_harmonic(v)
        for rule in LOTTERY_RULES:
            match = match_frequencies(predicted_frequency(rule, u, v), final_frequency, K)
            rows.append(
                {"arm": network.arm, "seed": network.seed, "source": source, "rule": rule}
                | {"n": match.n, "hits": match.hits, "share": match.share}
                | {"low": match.low, "high": match.high}
                | {"chance": match.chance, "shuffled_chance": match.shuffled_chance}
            )
    return pd.DataFrame(rows)


def _at(weights: Weights, t: int) -> dict[str, np.ndarray]:
    return {name: w[t] for name, w in weights.items()}
