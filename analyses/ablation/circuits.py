"""Smallest sets of frequency groups that do the task.

A circuit keeps some groups of neurons and removes all other grouped neurons: they are at their mean over the
part's pairs, zero, or those of other pairs. n pairs, p classes, g groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.ablation.pair_network import PairNetwork
from interp.mechanism.ablation import REMOVALS, PartScores, greedy_order, replaced

N_ORDERS = 20
"""Number of random orders."""
SHARES = ("faithfulness", "completeness")
"""Columns of the table of sets: shares of the margin between no group and all groups."""


@dataclass(frozen=True)
class Groups:
    """Frequency groups of a network, and what removal takes from the logits."""

    network: PairNetwork
    frequencies: Sequence[int]
    sizes: Sequence[int]
    added: Sequence[np.ndarray]
    """(p, n) each"""
    empty: np.ndarray
    """Logits with all groups removed, (p, n)."""

    @classmethod
    def of(cls, network: PairNetwork, removal: str) -> Groups:
        """Return the groups of a network, for one way of removal."""
        own = network.groups
        stand_in = replaced(network.hidden, removal, network.starts, network.permutation)
        removed = network.hidden - stand_in
        added = [network.output_map[neurons].T @ removed[neurons] for neurons in own.values()]
        sizes = [len(neurons) for neurons in own.values()]
        return cls(network, list(own), sizes, added, network.logits - sum(added))

    def curve(self, order: Sequence[int]) -> list[dict[str, Any]]:
        """Return scores of every beginning of an order: kept alone, and left out."""
        logits = {"kept": self.empty.copy(), "without": self.network.logits.copy()}
        rows = [{"size": 0, "frequency": 0, "n_neurons": 0} | self._scores(logits)]
        for size, group in enumerate(order, start=1):
            logits["kept"] += self.added[group]
            logits["without"] -= self.added[group]
            n_neurons = rows[-1]["n_neurons"] + self.sizes[group]
            row = {"size": size, "frequency": self.frequencies[group], "n_neurons": n_neurons}
            rows.append(row | self._scores(logits))
        return rows

    def kept_curve(self, order: Sequence[int]) -> list[dict[str, Any]]:
        """Return scores of every beginning of an order, kept alone."""
        kept = self.empty.copy()
        rows = [{"n_neurons": 0} | self._scores({"kept": kept})]
        for group in order:
            kept += self.added[group]
            row = {"n_neurons": rows[-1]["n_neurons"] + self.sizes[group]}
            rows.append(row | self._scores({"kept": kept}))
        return rows

    def single_losses(self) -> np.ndarray:
        """Return the loss without each group alone, (g,)."""
        network = self.network
        return np.array([self._judged(network.scores(network.logits, -x))["loss"] for x in self.added])

    def _scores(self, logits: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return the scores of logits on the judged pairs, with their name before each."""
        return {
            f"{words}_{name}": value
            for words, of in logits.items()
            for name, value in self._judged(self.network.scores(of)).items()
        }

    def _judged(self, scores: PartScores) -> dict[str, float]:
        at = self.network.judged
        return {"loss": scores.loss[at], "acc": scores.accuracy[at], "margin": scores.margin[at]}


def circuit_rows(network: PairNetwork, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows of the table of circuits, and of the table of sets.

    Circuits are greedy sets, and means over random orders, of groups that are removed by their mean; sets are
    the greedy ones, by every way of removal. The greedy order adds the group that lowers the training loss
    most; without a known split, the loss on all pairs.
    """
    order, greedy, random = _greedy_and_random(network, seed)
    circuits = [
        {name: value for name, value in row.items() if name not in SHARES}
        | {"order": "greedy", "kept_acc_low": row["kept_acc"], "kept_acc_high": row["kept_acc"]}
        for row in greedy
    ]
    sets = {REMOVALS[0]: greedy}
    for removal in REMOVALS[1:]:
        sets[removal] = _set_rows(Groups.of(network, removal), order)
    by_removal = [row | {"removal": removal} for removal, rows in sets.items() for row in rows]
    return [*circuits, *random], by_removal


def _greedy_and_random(
    network: PairNetwork, seed: int
) -> tuple[list[int], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the greedy order, its rows, and those of random orders, all by mean."""
    groups = Groups.of(network, REMOVALS[0])
    end = network.starts[1] if len(network.starts) > 1 else len(network.labels)
    train = [np.ascontiguousarray(x[:, :end]) for x in (groups.empty, *groups.added)]
    order = greedy_order(train[0], train[1:], network.labels[:end])
    generator = np.random.default_rng(seed)
    curves = [groups.kept_curve(generator.permutation(len(groups.added)).tolist()) for _ in range(N_ORDERS)]
    random = [_mean_row(size, rows) for size, rows in enumerate(zip(*curves, strict=True))]
    return order, _set_rows(groups, order), random


def _set_rows(groups: Groups, order: Sequence[int]) -> list[dict[str, Any]]:
    """Return rows of the sets that begin an order, all of one removal."""
    rows = groups.curve(order)
    whole, nothing = rows[-1]["kept_margin"], rows[0]["kept_margin"]
    span = whole - nothing or np.nan
    importance = groups.single_losses() - rows[0]["without_loss"]
    single = dict(zip(groups.frequencies, importance.tolist(), strict=True))
    total = 0.0
    for row in rows:
        total += single.get(row["frequency"], 0.0)
        shares = (row["kept_margin"] - nothing) / span, (whole - row["without_margin"]) / span
        row |= {"single_sum": total} | dict(zip(SHARES, shares, strict=True))
    return rows


def _mean_row(size: int, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over random orders at one size."""
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    accuracies = [row["kept_acc"] for row in rows]
    return means | {
        "order": "random",
        "size": size,
        "frequency": 0,
        "kept_acc_low": min(accuracies),
        "kept_acc_high": max(accuracies),
    }
