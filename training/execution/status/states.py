"""Status of a run and of its networks, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["waiting", "training", "stopped", "done", "not trained", "failed", "damaged", "adopted"]
"""What a network is at. `stopped`: half trained, and no process trains it now."""
ENDED = ("done", "not trained", "adopted")
"""States in which nothing is left to do."""
TO_TRAIN = ("waiting", "training", "stopped")


@dataclass(frozen=True)
class NetworkStatus:
    """What one network is at."""

    arm: str
    seed: int
    state: State
    step: int | None = None
    """Last step that is known: evaluated, saved or final."""
    max_steps: int | None = None
    """None for an arm that needs a plug-in that is missing, and for adopted weights."""
    test_acc: float | None = None
    worker: str | None = None
    steps_per_second: float | None = None
    seconds_left: float | None = None
    """At most: to `max_steps`, at the speed so far."""
    reason: str = ""
    """Why it is not trained, failed or damaged."""

    def __str__(self) -> str:
        return f"{self.arm} seed {self.seed}"


@dataclass(frozen=True)
class RunStatus:
    """What a run is at, by what its files say at one moment."""

    path: Path
    networks: Sequence[NetworkStatus]
    workers: Sequence[str] = ()
    """Processes that train now."""
    networks_per_hour: float | None = None
    """Since the processes that train now began."""
    seconds_left: float | None = None
    """Of all networks that the starts under way are to train, by the work done so far; None if unknown."""

    @property
    def counts(self) -> Counter[str]:
        """Number of networks by state."""
        return Counter(network.state for network in self.networks)

    @property
    def steps_per_second(self) -> float | None:
        """Sum over the networks in training; None without any."""
        rates = [
            network.steps_per_second for network in self.networks if network.steps_per_second is not None
        ]
        return sum(rates) if rates else None

    @property
    def is_finished(self) -> bool:
        """Return True if nothing is left to do."""
        return all(network.state in ENDED for network in self.networks)
