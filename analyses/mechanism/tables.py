"""Tables of the mechanism in tickets: neurons settling, what is inherited, what told the winners.

m  neurons     K  frequencies     T  checkpoints
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analyses.tables.long_format import gather, groups, long_table
from interp.dynamics.frequency_lottery import LOTTERY_RULES, match_frequencies, predicted_frequency
from interp.dynamics.threshold_crossings import first_crossing
from interp.mechanism.frequency_overlap import second_harmonic, set_overlap, weighted_agreement
from interp.mechanism.key_frequency_rules import embedding_key_frequencies
from interp.mechanism.phase_alignment import frequency_agreement, misalignment
from interp.spectra.fourier import check_modulus, complex_amplitude
from interp.spectra.weight_spectrum import frequency_power, neuron_frequency

if TYPE_CHECKING:
    from analyses.loading.trained_network import Network

Weights = Mapping[str, np.ndarray]
REFERENCES = ("dense_end", "end")
AT_STAGE = ["arm", "seed", "stage", "step"]
COMPARED = ["n_keys", "common", "overlap", "chance", "p_value", "key_share", "key_share_chance"]
COMPARED += ["n", "same", "low", "high", "shuffled_chance"]


@dataclass(frozen=True)
class Use:
    """Frequencies of a network's input map at one moment."""

    step: int
    frequency: np.ndarray
    """Of every neuron, (m,); 0 for a dead one."""
    share: np.ndarray
    """Energy of all neurons at each frequency, (K,), sum 1."""
    keys: np.ndarray
    """The frequencies that it uses, by the rule `embedding_norm` applied to the map."""


def tables_of_run(networks: Sequence[Network]) -> dict[str, pd.DataFrame]:
    """Every network through training; of the pruned ones, what they have of the dense network."""
    checkpoints, stages, frequencies, winners = [], [], [], []
    for network in networks:
        weights = network.weights()
        mask = None if network.mask_changes else network.mask()
        twin = None if mask is None else _dense_twin(network, weights, mask, networks)
        checkpoints.append(_through_training(network, weights))
        sources = _sources(weights, mask)
        if twin is not None:
            assert mask is not None
            dense, step = twin
            of_dense = dense.weights()
            sources["unmasked"] = _at(of_dense, 0)
            uses = _stages(network, weights, mask, dense, of_dense, step)
            stages += _compared(network, uses)
            frequencies += [_of_frequencies(network, name, use) for name, use in uses.items()]
        winners.append(_told(network, weights, sources))
    no_frequencies = pd.DataFrame(columns=[*AT_STAGE, "frequency", "share", "neurons", "key"])
    return {
        "": gather(checkpoints),
        "_stages": pd.DataFrame(stages, columns=[*AT_STAGE, "reference", *COMPARED]),
        "_frequencies": gather(frequencies) if frequencies else no_frequencies,
        "_winners": gather(winners),
    }


def half_settled(table: pd.DataFrame) -> list[dict[str, Any]]:
    """First step of every network at which neurons with half of its energy have their last frequency."""
    return [
        {"arm": arm, "seed": int(seed)}
        | {"step": first_crossing(own["step"].to_numpy(), own["settled_weighted"].to_numpy(), 0.5).at}
        for (arm, seed), own in groups(table[table["settled_weighted"].notna()], ["arm", "seed"])
    ]


def inherited(stages: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over seeds per arm and stage, a row each, with the comparisons with both references."""
    rows = []
    for (arm, stage), own in groups(stages, ["arm", "stage"]):
        row: dict[str, Any] = {"arm": arm, "stage": stage, "n_seeds": own["seed"].nunique()}
        for (reference,), part in groups(own, ["reference"]):
            row |= {f"{reference}_{name}": float(part[name].mean()) for name in COMPARED}
        rows.append(row)
    return rows


def pooled(winners: pd.DataFrame) -> list[dict[str, Any]]:
    """Per arm, source and rule, the share over the neurons of all seeds; least to largest interval."""
    rows = []
    for (arm, source, rule), own in groups(winners, ["arm", "source", "rule"]):
        n = int(own["n"].sum())
        weight = own["n"] / n if n else np.nan
        rows.append(
            {"arm": arm, "source": source, "rule": rule, "n_seeds": len(own), "n": n}
            | {"share": own["hits"].sum() / n if n else np.nan}
            | {"low": own["low"].min(), "high": own["high"].max(), "chance": float(own["chance"].iloc[0])}
            | {"shuffled_chance": float((own["shuffled_chance"] * weight).sum(min_count=1))}
        )
    return rows


def _through_training(network: Network, weights: Weights) -> pd.DataFrame:
    """A row per checkpoint."""
    input_map, output_map = network.maps(weights)  # (T, m, p)
    aligned = misalignment(input_map, output_map)
    output_frequency, _ = neuron_frequency(output_map)  # (T, m)
    energy = (np.abs(complex_amplitude(input_map)[0]) ** 2).sum(axis=-1)  # (T, m)
    last = aligned.frequency[-1]
    settled, chance = weighted_agreement(aligned.frequency, last)
    of_energy, energy_chance = weighted_agreement(aligned.frequency, last, energy[-1])
    keys = embedding_key_frequencies(input_map[-1].T)
    columns = {
        "settled": settled,
        "settled_chance": chance,
        "settled_weighted": of_energy,
        "settled_weighted_chance": energy_chance,
        "same_frequency": frequency_agreement(aligned.frequency, output_frequency)[0],
        "mean_cos": aligned.mean_cos,
        "weighted_cos": aligned.weighted_cos,
        "key_share": frequency_power(np.swapaxes(input_map, -1, -2))[:, keys - 1].sum(axis=-1),
        "n_keys": np.array(len(keys)),
    }
    return long_table(network, {"step": network.steps}, columns)


def _dense_twin(
    network: Network, weights: Weights, mask: Weights, networks: Sequence[Network]
) -> tuple[Network, int] | None:
    """The dense network that the mask comes from, and the step it was taken at.

    A mask that comes from none (a random one) is held against the last checkpoint of the dense network of its
    seed that began with the same weights.
    """
    by_name = {(other.arm, other.seed): other for other in networks}
    source = (network.files.done() or {}).get("source")
    while source is not None:
        found = by_name.get((source["arm"], source["seed"]))
        if found is None:
            return None
        if found.mask() is None:
            return found, source["step"]
        source = (found.files.done() or {}).get("source")
    for other in networks:
        if other.seed != network.seed or other.mask() is not None or other.setting != network.setting:
            continue
        start = _at(other.weights(), 0)
        if all((weights[name][0] == np.where(kept, start[name], 0)).all() for name, kept in mask.items()):
            return other, int(other.steps[-1])
    return None


def _stages(
    network: Network, weights: Weights, mask: Weights, dense: Network, of_dense: Weights, step: int
) -> dict[str, Use]:
    """Of the dense network up to the step of the mask, of what is left of it, of the own start and end."""
    source = int(np.flatnonzero(dense.steps == step)[0])
    moments = {"dense_start": (dense.steps[0], _at(of_dense, 0))}
    metrics = dense.metrics()
    t_gen = None if metrics is None else dense.setting.criterion.times(metrics).t_gen.at
    if t_gen is not None and t_gen <= step:
        first = int(np.flatnonzero(dense.steps >= t_gen)[0])
        moments["dense_t_gen"] = (dense.steps[first], _at(of_dense, first))
    trained = _at(of_dense, source)
    moments["dense_end"] = (step, trained)
    moments["pruned"] = (step, {name: w * mask.get(name, True) for name, w in trained.items()})
    moments["start"], moments["end"] = ((network.steps[t], _at(weights, t)) for t in (0, -1))
    return {name: _use(network, int(step), w) for name, (step, w) in moments.items()}


def _use(network: Network, step: int, weights: Weights) -> Use:
    input_map, _ = network.maps(weights)  # (m, p)
    return Use(
        step=step,
        frequency=neuron_frequency(input_map)[0],
        share=frequency_power(input_map.T),
        keys=embedding_key_frequencies(input_map.T),
    )


def _compared(network: Network, uses: Mapping[str, Use]) -> list[dict[str, Any]]:
    """Every stage against the dense network's end and the own one: as many strongest as that one uses."""
    K = check_modulus(network.p)
    rows = []
    for reference in REFERENCES:
        other = uses[reference]
        for name, use in uses.items():
            strongest = np.argsort(-use.share, kind="stable")[: len(other.keys)] + 1
            sets = set_overlap(strongest, other.keys, K)
            same = match_frequencies(use.frequency, other.frequency, K)
            rows.append(
                {"arm": network.arm, "seed": network.seed, "stage": name, "step": use.step}
                | {"reference": reference, "n_keys": len(other.keys), "common": sets.common}
                | {"overlap": sets.jaccard, "chance": sets.chance, "p_value": sets.p_value}
                | {"key_share": use.share[other.keys - 1].sum(), "key_share_chance": len(other.keys) / K}
                | {"n": same.n, "same": same.share, "low": same.low, "high": same.high}
                | {"shuffled_chance": same.shuffled_chance}
            )
    return rows


def _of_frequencies(network: Network, stage: str, use: Use) -> pd.DataFrame:
    K = len(use.share)
    columns = {
        "share": use.share,
        "neurons": np.bincount(use.frequency, minlength=K + 1)[1:],
        "key": np.isin(np.arange(1, K + 1), use.keys),
    }
    axes = {"stage": [stage], "step": [use.step], "frequency": range(1, K + 1)}
    return long_table(network, axes, columns)


def _sources(weights: Weights, mask: Weights | None) -> dict[str, Weights]:
    """Weights that know less and less of a network's start: signs and mask, the mask alone.

    What is not known is replaced by the root mean square of the kept weights of the layer.
    """
    start = _at(weights, 0)
    if mask is None:
        return {"start": start}
    size = {name: kept * _rms(start[name][kept]) for name, kept in mask.items()}
    signs = {name: w * np.sign(start[name]) for name, w in size.items()}
    return {"mask": size, "mask_doubled": size, "signs": signs, "start": start}


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).mean())) if x.size else 0.0


def _told(network: Network, weights: Weights, sources: Mapping[str, Weights]) -> pd.DataFrame:
    """How often each rule, applied to each source, names the frequency that a neuron ends with."""
    K = check_modulus(network.p)
    final, _ = neuron_frequency(network.maps(_at(weights, -1))[0])
    rows = []
    for source, known in sources.items():
        u, v = (complex_amplitude(W)[0] for W in network.maps(known))  # (m, K)
        if source == "mask_doubled":
            u, v = second_harmonic(u), second_harmonic(v)
        for rule in LOTTERY_RULES:
            found = match_frequencies(predicted_frequency(rule, u, v), final, K)
            rows.append(
                {"arm": network.arm, "seed": network.seed, "source": source, "rule": rule}
                | {
                    "n": found.n,
                    "hits": found.hits,
                    "share": found.share,
                    "low": found.low,
                    "high": found.high,
                }
                | {"chance": found.chance, "shuffled_chance": found.shuffled_chance}
            )
    return pd.DataFrame(rows)


def _at(weights: Weights, t: int) -> dict[str, np.ndarray]:
    return {name: w[t] for name, w in weights.items()}
