"""Tables of one network: sets of frequencies moved, and key frequencies at every checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from analyses.loading.residue_network import residue_network
from analyses.steering.schema import MOST_PAIRS, N_SETS, SIZES, STEPS
from analyses.steering.steered_answers import SteeredNetwork, SteeredPairs
from analyses.tables.long_format import groups
from analyses.tables.schema import Table
from interp.mechanism.key_frequency_rules import logit_key_frequencies
from interp.spectra.weight_spectrum import frequency_power
from interp.statistics.time_ratios import student_interval
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError

FINE = 12
"""Up to this size, and so many below all frequencies, every size is measured; a few between."""
N_BETWEEN = 8


def network_tables(network: Network, shift: int) -> dict[Table, pd.DataFrame]:
    """Return the tables of one network.

    Raises
    ------
    RunError
        If the shift changes no answer, or the model is a plug-in's.
    """
    task = network.setting.task
    steered = SteeredPairs.of(task, network.p, shift, MOST_PAIRS)
    if not len(steered.pairs):
        raise RunError(
            f"{task.describe()}: expected a shift that changes an answer, got {shift}; --shift takes another"
        )
    stacked = network.weights()
    by_step = [{name: w[t] for name, w in stacked.items()} for t in range(len(network.steps))]
    model, last = network.setting.model, by_step[-1]
    keys = logit_key_frequencies(model.neuron_maps(last)["output"])
    embedding, _ = model.residue_weights(last).values()
    steps = []
    for step, weights in zip(network.steps.tolist(), by_step, strict=True):
        checkpoint = SteeredNetwork(residue_network(network.setting, weights), steered, shift)
        steps += [{"step": step} | row for row in chosen_rows(checkpoint, keys, network.p // 2)]
    rng = np.random.default_rng(network.seed)
    sizes = list(size_rows(checkpoint, strongest_first(embedding), keys, rng))
    names: dict[str, Any] = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
    return {
        SIZES: pd.DataFrame(sizes).assign(step=int(network.steps[-1]), **names),
        STEPS: pd.DataFrame(steps).assign(**names),
    }


def means(sizes: pd.DataFrame) -> pd.DataFrame:
    """Return the means over seeds of the main table, with their intervals."""
    rows = []
    for (arm, chosen, size), found in groups(sizes, ["arm", "chosen", "size"]):
        row: dict[str, Any] = {"arm": arm, "chosen": chosen, "size": size, "n_seeds": len(found)}
        for name in ("target", "own"):
            ends = student_interval(found[name].to_numpy()) if len(found) > 1 else (np.nan, np.nan)
            row |= {name: found[name].mean(), f"{name}_low": ends[0], f"{name}_high": ends[1]}
        rows.append(row)
    return pd.DataFrame(rows)


def strongest_first(embedding: np.ndarray) -> np.ndarray:
    """Return all frequencies by their power in an embedding, the smallest of equals first."""
    if not np.ptp(embedding, axis=0).any():
        return np.arange(1, len(embedding) // 2 + 1)
    return np.argsort(-frequency_power(embedding), kind="stable") + 1


def chosen_rows(checkpoint: SteeredNetwork, keys: np.ndarray, K: int) -> Iterator[dict[str, Any]]:
    """Yield a row per chosen set of frequencies of one checkpoint."""
    every = np.arange(1, K + 1)
    sets = {"keys": keys, "others": np.setdiff1d(every, keys), "all": every, "none": every[:0]}
    for chosen, frequencies in sets.items():
        yield {"chosen": chosen, "size": len(frequencies)} | _answers(checkpoint, frequencies)


def measured_sizes(K: int) -> list[int]:
    """Return the sizes of sets that are measured: all small and all large ones, a few between."""
    between = np.linspace(0, K, N_BETWEEN + 2).astype(int).tolist()
    return sorted({*range(min(FINE, K) + 1), *range(max(K - FINE, 0), K + 1), *between})


def size_rows(
    checkpoint: SteeredNetwork, order: np.ndarray, keys: np.ndarray, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Yield a row per size of sets of the strongest, weakest and random other frequencies.

    Parameters
    ----------
    order : array
        All frequencies, the strongest first.
    """
    n_pairs = len(checkpoint.steered.pairs)
    for chosen, ordered in (("strongest", order), ("weakest", order[::-1])):
        for size in measured_sizes(len(order)):
            row = _answers(checkpoint, ordered[:size])
            low, high = binomtest(round(row["target"] * n_pairs), n_pairs).proportion_ci(method="wilson")
            added = int(ordered[size - 1]) if size else 0
            row |= {"low": float(low), "high": float(high), "lowest": np.nan, "highest": np.nan}
            is_key = added in keys
            yield {"chosen": chosen, "size": size, "frequency": added, "is_key": bool(is_key)} | row
    for size in measured_sizes(len(order)):
        if 0 < size <= len(order) - size:
            sets = [rng.choice(order[size:], size, replace=False) for _ in range(N_SETS)]
            rows = pd.DataFrame([_answers(checkpoint, frequencies) for frequencies in sets])
            ends = {"lowest": rows["target"].min(), "highest": rows["target"].max()}
            row = {**rows.mean(), "n_pairs": n_pairs, "low": np.nan, "high": np.nan, **ends}
            yield {"chosen": "others", "size": size, "frequency": 0, "is_key": False} | row


def _answers(checkpoint: SteeredNetwork, frequencies: np.ndarray) -> dict[str, Any]:
    shares = checkpoint.shares(frequencies)
    n_pairs = len(checkpoint.steered.pairs)
    return {"n_pairs": n_pairs, "target": shares.target, "own": shares.own, "other": shares.other}
