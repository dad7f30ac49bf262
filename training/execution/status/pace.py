"""Speed of a training that is under way, and the time that is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.config.recipe import Recipe
from training.execution.status.starts import begin_of, names_of
from training.execution.status.states import TO_TRAIN, NetworkStatus
from training.execution.time_estimate import network_seconds
from training.runs.worker_notes import WorkerNote


@dataclass(frozen=True)
class Finished:
    """When a network was finished, and by which start."""

    at: float
    start: str | None
    """None for one that was taken from another run, or by a version that recorded none."""


class Pace:
    """Speed of a training that is under way, and what it has left.

    Work is counted in guessed core-seconds of a network's `max_steps`, so that networks of unlike cost are
    compared; that networks end before their `max_steps` is in the speed.

    Parameters
    ----------
    starts : sequence of mapping
        Entries of provenance.json.
    notes : sequence of WorkerNote
        Of the processes that train now, one at least.
    finished : mapping
        By arm and seed, as "dense seed 0".
    now : float
        Seconds since the epoch.
    """

    def __init__(
        self,
        recipe: Recipe,
        starts: Sequence[Mapping[str, Any]],
        notes: Sequence[WorkerNote],
        networks: Sequence[NetworkStatus],
        finished: Mapping[str, Finished],
        now: float,
    ):
        self.recipe, self.networks = recipe, networks
        ids = {arm.start for note in notes for arm in note.arms}
        under_way = [entry for entry in starts if str(entry.get("id")) in ids]
        self.todo = {name for entry in under_way for name in names_of(entry.get("arms"))}
        began = max(min(note.began for note in notes), begin_of(under_way) or 0.0)
        self.seconds = max(now - began, 1e-3)
        records = [(network, finished.get(str(network))) for network in networks]
        self.done = [
            network
            for network, record in records
            if record is not None and record.start in ids and record.at >= began
        ]
        self._here = {(arm.arm, arm.seed): (note, arm) for note in notes for arm in note.arms}
        self._costs: dict[str, float] = {}

    def networks_per_hour(self) -> float:
        """Return the number of networks that an hour finishes."""
        return 3600 * len(self.done) / self.seconds

    def seconds_left(self) -> float | None:
        """Return the time that is left; None before anything was done."""
        to_do = [n for n in self.networks if n.state in TO_TRAIN and str(n) in self.todo]
        left = sum(self._work(network) * (1 - _share(network, network.step or 0)) for network in to_do)
        done = sum(map(self._work, self.done)) + sum(map(self._begun_work, to_do))
        if not done:
            return None
        expected = self._expected_share()
        longest = max((_own_seconds(network, expected) for network in to_do), default=0.0)
        return max(left * self.seconds / done, longest)

    def _work(self, network: NetworkStatus) -> float:
        """Return the guessed core-seconds of a whole network."""
        if network.max_steps is None:
            return 0.0
        if network.arm not in self._costs:
            self._costs[network.arm] = network_seconds(self.recipe, network.arm)
        return self._costs[network.arm]

    def _begun_work(self, network: NetworkStatus) -> float:
        """Return the work that a process has done since it took a network."""
        note, arm = self._here.get((network.arm, network.seed), (None, None))
        if note is None or arm is None or arm.steps_per_second is None:
            return 0.0
        steps = min(arm.step or 0, arm.steps_per_second * (note.written - arm.began))
        return self._work(network) * _share(network, steps)

    def _expected_share(self) -> float:
        """Return which share of its `max_steps` a network takes, as those that are done did."""
        most = sum(network.max_steps or 0 for network in self.done)
        return sum(network.step or 0 for network in self.done) / most if most else 1.0


def _share(network: NetworkStatus, steps: int | float) -> float:
    return min(steps / network.max_steps, 1.0) if network.max_steps else 0.0


def _own_seconds(network: NetworkStatus, expected_share: float) -> float:
    """Return the seconds that one network in training probably still takes."""
    if not network.steps_per_second or network.max_steps is None or network.step is None:
        return 0.0
    return max(network.max_steps * expected_share - network.step, 0.0) / network.steps_per_second
