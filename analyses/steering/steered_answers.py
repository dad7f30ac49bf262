"""Answers of one checkpoint after frequencies of its first input were moved.

n  pairs      p  residues      K  frequencies
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyses.loading.judged_pairs import judged_pairs
from analyses.loading.pairs import examples_of
from analyses.loading.residue_network import ResidueNetwork
from interp.interventions.steering import shifted_frequencies
from training.tasks.dataset import Task


class SteeredPairs(NamedTuple):
    """Pairs whose first input is moved, with answers."""

    pairs: np.ndarray
    """(n, 2)"""
    own: np.ndarray
    """(n,): answers to (a, b)."""
    target: np.ndarray
    """(n,): answers to (a + shift, b)."""

    @classmethod
    def of(cls, task: Task, p: int, shift: int, most: int, seed: int = 0) -> SteeredPairs:
        """Return the judged pairs whose answer the shift changes; of more than `most`, as many at random.

        Pairs are left out whose moved pair the task has not, and so answers nothing to.
        """
        data, judged = examples_of(task), judged_pairs(task)
        assert data.labels is not None
        answers = np.full((p, p), -1)
        a, b = data.inputs.T
        if getattr(task, "pairs", None) == "unordered":
            answers[b, a] = data.labels
        answers[a, b] = data.labels
        target = answers[(judged.pairs[:, 0] + shift) % p, judged.pairs[:, 1]]
        kept = np.flatnonzero((target >= 0) & (target != judged.labels))
        if len(kept) > most:
            kept = np.sort(np.random.default_rng(seed).choice(kept, most, replace=False))
        return cls(judged.pairs[kept], judged.labels[kept], target[kept])


class Shares(NamedTuple):
    """Shares of pairs by their answer."""

    target: float
    own: float

    @property
    def other(self) -> float:
        """Share of all other answers."""
        return 1 - self.target - self.own


class SteeredNetwork:
    """Network whose first input is moved in chosen frequencies."""

    def __init__(self, network: ResidueNetwork, steered: SteeredPairs, shift: int):
        self.network, self.steered, self.shift = network, steered, shift
        self.inputs = network.inputs(steered.pairs)

    def logits(self, frequencies: np.ndarray) -> np.ndarray:
        """Return the logits (n, p) with waves of a + shift at these frequencies."""
        residues = self.network.residues
        change = shifted_frequencies(residues, frequencies, self.shift) - residues
        inputs = self.inputs.copy()
        inputs[:, 0] += change[self.steered.pairs[:, 0]]
        return self.network.run(inputs).logits

    def shares(self, frequencies: np.ndarray) -> Shares:
        """Return the shares of answers."""
        answers = self.logits(frequencies).argmax(axis=-1)
        return Shares(
            float((answers == self.steered.target).mean()), float((answers == self.steered.own).mean())
        )
