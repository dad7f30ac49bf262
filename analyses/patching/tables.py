"""Tables of one network: patches and attributions at every checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyses.loading.judged_pairs import JudgedPairs, frequencies_of_neurons, judged_pairs
from analyses.loading.pairs import examples_of
from analyses.loading.residue_network import ResidueNetwork, residue_network
from analyses.patching.attributed_logits import Attribution, of_logits, of_neurons
from analyses.patching.schema import ATTRIBUTION, MOST_ATTRIBUTED, PATCHES
from analyses.patching.sites import MOST_SINGLE, Runs, patches
from analyses.tables.schema import Table
from interp.interventions.attribution import ghost_classes
from interp.interventions.patching import logit_difference, recovered_share
from interp.mechanism.key_frequency_rules import logit_key_frequencies
from training.inspection.trained_network import Network
from training.runs.atomic_files import RunError


@dataclass(frozen=True)
class Measured:
    """What all checkpoints of one network are measured with."""

    runs: Runs
    judged: JudgedPairs
    """At most `MOST_ATTRIBUTED` of the judged pairs."""
    ghosts: np.ndarray
    """(n, 2): classes of their ghosts, −1 for none."""
    frequency: np.ndarray
    """(m,): of every neuron at the last checkpoint, 0 for none."""
    keys: frozenset[int]

    @classmethod
    def of(cls, network: Network, last: Mapping[str, np.ndarray], n_pairs: int, seed: int) -> Measured:
        """Return what a network is measured with; `last` has the weights of its last checkpoint.

        Raises
        ------
        RunError
            If all judged pairs have one answer, or the model has no activations on pairs.
        """
        task, model = network.setting.task, network.setting.model
        judged, data = judged_pairs(task), examples_of(task)
        assert data.labels is not None
        try:
            runs = Runs.drawn(judged, n_pairs, seed)
        except ValueError as error:
            raise RunError(f"{task.describe()}: {error}; --arms chooses other networks") from None
        ghosts = ghost_classes(data.inputs, data.labels, network.p)[len(data.inputs) - len(judged.labels) :]
        kept = np.arange(len(judged.labels))
        if len(kept) > MOST_ATTRIBUTED:
            kept = np.sort(np.random.default_rng(seed).choice(kept, MOST_ATTRIBUTED, replace=False))
        keys = logit_key_frequencies(model.neuron_maps(last)["output"]).tolist()
        return cls(
            runs=runs,
            judged=JudgedPairs(judged.pairs[kept], judged.labels[kept]),
            ghosts=ghosts[kept],
            frequency=frequencies_of_neurons(model, last),
            keys=frozenset(keys),
        )

    @property
    def groups(self) -> dict[int, np.ndarray]:
        """Neurons of each frequency that some neuron has."""
        return {int(k): np.flatnonzero(self.frequency == k) for k in np.unique(self.frequency) if k}

    @property
    def rest(self) -> np.ndarray:
        """Neurons of no key frequency."""
        return np.flatnonzero(~np.isin(self.frequency, list(self.keys)))


def network_tables(network: Network, n_pairs: int, seed: int) -> dict[Table, pd.DataFrame]:
    """Return the tables of one network.

    Parameters
    ----------
    n_pairs, seed : int
        Number of clean and corrupted pairs, and the seed with which they are drawn.
    """
    stacked = network.weights()
    by_step = [{name: w[t] for name, w in stacked.items()} for t in range(len(network.steps))]
    measured = Measured.of(network, by_step[-1], n_pairs, seed)
    patched, attributed = [], []
    last = int(network.steps[-1])
    for step, weights in zip(network.steps.tolist(), by_step, strict=True):
        checkpoint, is_last = residue_network(network.setting, weights), step == last
        patched += [{"step": step} | row for row in patch_rows(checkpoint, measured, is_last)]
        attributed += [{"step": step} | row for row in attribution_rows(checkpoint, measured, is_last)]
    names: dict[str, Any] = {"arm": network.arm, "arm_role": network.role, "seed": network.seed}
    return {
        PATCHES: pd.DataFrame(patched).assign(**names),
        ATTRIBUTION: pd.DataFrame(attributed).assign(**names),
    }


def patch_rows(checkpoint: ResidueNetwork, measured: Measured, is_last: bool) -> Iterator[dict[str, Any]]:
    """Yield a row per site and unit of one checkpoint."""
    runs = measured.runs
    clean, corrupted, found = patches(checkpoint, runs, measured.groups, measured.rest, is_last)
    of_clean, of_corrupted = (
        logit_difference(run.logits, runs.right, runs.other) for run in (clean, corrupted)
    )
    for patch in found:
        difference = logit_difference(patch.logits, runs.right, runs.other)
        share = recovered_share(difference, of_corrupted, of_clean)
        answers = patch.logits.argmax(axis=-1)
        k = {"frequency": patch.unit, "neuron": int(measured.frequency[patch.neurons].max(initial=0))}
        yield {
            "site": patch.site,
            "unit": patch.unit,
            "hook": patch.hook,
            "n_neurons": len(patch.neurons),
            "is_key": k.get(patch.site) in measured.keys,
            "recovered": float(share.share),
            "low": float(share.low),
            "high": float(share.high),
            "patched_difference": float(difference.mean()),
            "corrupted_difference": float(of_corrupted.mean()),
            "clean_difference": float(of_clean.mean()),
            "answers_clean": float((answers == runs.right).mean()),
            "answers_corrupted": float((answers == runs.other).mean()),
        }


def attribution_rows(
    checkpoint: ResidueNetwork, measured: Measured, is_last: bool
) -> Iterator[dict[str, Any]]:
    """Yield a row per part of the logits of one checkpoint."""
    judged, frequency, output_map = measured.judged, measured.frequency, checkpoint.output_map
    found = checkpoint.run(checkpoint.inputs(judged.pairs))
    neurons = of_neurons(found, output_map, judged.labels, measured.ghosts, frequency)
    for k in np.unique(frequency).tolist():
        own = np.flatnonzero(frequency == k)
        sums = Attribution(*(values[own].sum() for values in neurons))
        yield _row("frequency" if k else "rest", int(k), own, sums, k in measured.keys)
    whole = of_logits(found.logits, judged.labels, measured.ghosts)
    around = of_logits(found.logits - found.hidden @ output_map, judged.labels, measured.ghosts)
    yield _row("around", 0, [], around)
    yield _row("network", 0, np.arange(len(frequency)), whole)
    for i in range(len(frequency) if is_last and len(frequency) <= MOST_SINGLE else 0):
        one = Attribution(*(values[i] for values in neurons))
        yield _row("neuron", i, [i], one, int(frequency[i]) in measured.keys)


def _row(component: str, unit: int, neurons: Any, added: Attribution, is_key: bool = False) -> dict[str, Any]:
    logits = {name: float(value) for name, value in added._asdict().items()}
    return {"component": component, "unit": unit, "n_neurons": len(neurons), "is_key": is_key} | logits
