"""Choice of the output maps that read a network's neurons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyses.loading.reference_arms import ticket_reference
from analyses.stitching.neuron_layers import NeuronLayers, Neurons
from analyses.stitching.schema import ALIKE, OTHER_SEED
from training.config.recipe import Recipe
from training.schema.validation import names, require

MOST_READERS = 4
"""Number of arms that read by default."""
ACROSS_SEEDS = 2
"""Number of these that also read another seed's neurons."""
ROLES = ("dense", "ticket", "control")
"""Roles of the arms that read before all others, in order."""


@dataclass(frozen=True)
class Reader:
    """Output map of a network, and how its places get their neurons."""

    arm: str
    seed: int
    step: int
    start: str
    """How it and the network of the neurons began, as in the table."""
    output_map: np.ndarray
    """(r, p)"""
    target: Neurons
    """The network's own neurons, to which those that are read are compared or matched."""
    places: str
    neurons: np.ndarray | None = None
    """Neuron of each place, if the neurons are permuted."""
    kept: np.ndarray | None = None
    """Neurons that vary; None for all."""


def reading_arms(recipe: Recipe, arms: Sequence[str], asked: Sequence[str]) -> list[str]:
    """Return the arms that read: those asked for, or dense arm and ticket first.

    Parameters
    ----------
    arms : sequence of str
        Arms that are measured.

    Raises
    ------
    ConfigError
        If an arm is asked for that is not measured; the message lists those that are.
    """
    for arm in asked:
        require(arm in arms, "--readers", f"some of {names(arms)}", arm)
    if asked:
        return list(dict.fromkeys(asked))
    dense, tickets, controls = ([arm for arm in arms if recipe.role(arm) == role] for role in ROLES)
    first = [*dense[:1], *tickets[:1], *controls]
    return list(dict.fromkeys([*first, *arms]))[:MOST_READERS]


class Readers:
    """All networks, and who reads whom.

    Parameters
    ----------
    layers : sequence of NeuronLayers
        The networks.
    arms : sequence of str
        Arms whose output maps read; the first also reads permuted neurons, the first two also another seed's.
    """

    def __init__(self, layers: Sequence[NeuronLayers], arms: Sequence[str]):
        self.arms = arms
        self._by_name = {(entry.network.arm, entry.network.seed): entry for entry in layers}
        self._seeds = sorted({seed for _, seed in self._by_name})
        self._starts: dict[tuple[int, str, str], str] = {}
        self.refused: dict[str, None] = {}
        """Lines on networks that are not read, or not by place."""

    def of(self, own: NeuronLayers) -> list[list[Reader]]:
        """Return the readers of a network, by checkpoint."""
        last = list(self._last(own))
        steps = own.network.steps.tolist()
        return [[*last, *self._of_one_step(own, step)] for step in steps]

    def _last(self, own: NeuronLayers) -> Iterator[Reader]:
        """Yield the readers at their last checkpoints."""
        seed = own.network.seed
        for arm in self.arms:
            other = self._by_name.get((arm, seed))
            if other is None or not self._share_a_task(own, other):
                continue
            start = self._start(own, other)
            if start not in ALIKE:
                yield from _matched(other, start, own.outputs.shape[1])
                continue
            yield _reader(other, start, "place")
            kept = self._kept(own)
            if kept is not None and not kept.all():
                yield _reader(other, start, "place", kept=kept)
            if arm == self.arms[0]:
                order = np.random.default_rng(seed).permutation(own.outputs.shape[1])
                yield _reader(other, start, "permuted", neurons=order)
        for arm in self.arms[:ACROSS_SEEDS]:
            other = self._of_another_seed(arm, seed)
            if other is not None and self._share_a_task(own, other):
                yield from _matched(other, OTHER_SEED, own.outputs.shape[1])

    def _of_one_step(self, own: NeuronLayers, step: int) -> Iterator[Reader]:
        """Yield the readers of this step, by place, but those that have it last."""
        for arm in dict.fromkeys([own.network.arm, *self.arms]):
            other = self._by_name.get((arm, own.network.seed))
            if other is None or not self._share_a_task(own, other):
                continue
            at = np.flatnonzero(other.network.steps == step)
            is_last = arm in self.arms and step == other.last_step
            start = self._start(own, other)
            if len(at) and not is_last and start in ALIKE:
                yield _reader(other, start, "place", t=int(at[0]))

    def _start(self, own: NeuronLayers, other: NeuronLayers) -> str:
        """Return whether two networks of a seed began alike, compared once."""
        key = own.network.seed, own.network.arm, other.network.arm
        if key not in self._starts:
            self._starts[key] = self._compared_start(own, other)
        return self._starts[key]

    def _compared_start(self, own: NeuronLayers, other: NeuronLayers) -> str:
        if own is other:
            return "itself"
        sizes = own.outputs.shape[1], other.outputs.shape[1]
        if sizes[0] == sizes[1] and own.begins_as(other):
            return "shared"
        words = "other initial weights" if sizes[0] == sizes[1] else f"{sizes[0]} and {sizes[1]} neurons"
        self._refuse(own, other, f"{words}: neurons are matched")
        return "unlike"

    def _share_a_task(self, own: NeuronLayers, other: NeuronLayers) -> bool:
        is_shared = own.network.setting.task == other.network.setting.task
        reads = own.network.setting.model.reads == other.network.setting.model.reads
        if not (is_shared and reads):
            self._refuse(own, other, "other tasks: not stitched")
        return is_shared and reads

    def _refuse(self, own: NeuronLayers, other: NeuronLayers, reason: str) -> None:
        self.refused[f"{own.network.arm} read by {other.network.arm}: {reason}"] = None

    def _of_another_seed(self, arm: str, seed: int) -> NeuronLayers | None:
        """Return the arm's network of the next seed that has one, in a circle."""
        at = self._seeds.index(seed)
        for other in [*self._seeds[at + 1 :], *self._seeds[:at]]:
            if (arm, other) in self._by_name:
                return self._by_name[arm, other]
        return None

    def _kept(self, own: NeuronLayers) -> np.ndarray | None:
        """Return the neurons that a network's mask keeps; of a dense one the ticket's."""
        if own.kept is not None:
            return own.kept
        ticket = ticket_reference(own.network.recipe, own.network.arm)
        pruned = None if ticket is None else self._by_name.get((ticket, own.network.seed))
        if pruned is None or pruned.kept is None or len(pruned.kept) != own.outputs.shape[1]:
            return None
        return pruned.kept


def _reader(other: NeuronLayers, start: str, places: str, t: int = -1, **more: Any) -> Reader:
    arm, seed, step = other.network.arm, other.network.seed, int(other.network.steps[t])
    return Reader(arm, seed, step, start, other.outputs[t], other.neurons(t), places, **more)


def _matched(other: NeuronLayers, start: str, n_neurons: int) -> Iterator[Reader]:
    """Yield readers of another start: neurons matched, and by place if they fit."""
    if n_neurons == other.outputs.shape[1]:
        yield _reader(other, start, "place")
    for places in ("wave", "spectrum") if isinstance(other.reads[-1], np.ndarray) else ("wave",):
        yield _reader(other, start, places)
