"""What carries calls out, wherever: the calls, and the messages that come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from training.execution.arms.jobs import ArmTask

LAST = ("ended", "failed", "lost")
"""Kinds of a call's last message."""


@dataclass(frozen=True)
class Call:
    """A function to call in another process, as `function(*args, channel)`."""

    name: str
    """Names it in errors."""
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    tasks: Sequence[ArmTask] = ()
    """Networks that it trains."""


class Message(NamedTuple):
    """What has become of a call, or of a network that it trains.

    Of a network: "progress" (number, step, test accuracy), "arm ended" (number), "arm failed" (number and
    exception), "arm held" (number: another process trains it). Of the call: "worked" (seconds, where it may
    have waited first); at its end "ended" (result), "failed" (exception), or "lost" (exception: what carried
    it out is gone, and it may be made again).
    """

    call: int
    kind: str
    content: Any


class Executor(ABC):
    """Processes that carry out calls, on this machine or on others.

    It decides nothing: what is called, in which order, and what follows from a failure is the dispatcher's.
    """

    n_places: int
    """Calls that it carries out at a time."""
    n_batches: int
    """Batches of networks that it trains at a time, where it has GPUs."""
    most_cores: int
    """Cores that one call can use."""
    is_of_many_machines: bool
    """True if its processes may be on machines of several kinds, and be lost."""
    takes_more: bool
    """Whether networks can be sent to a call that is under way."""

    @abstractmethod
    def resolve(self, device: str) -> str:
        """Return the device on which networks are trained.

        Raises
        ------
        ConfigError
            If there is none of this kind.
        """

    @abstractmethod
    def begin(self, call: Call) -> int:
        """Begin a call, and return the number that its messages carry."""

    @abstractmethod
    def send_more(self, call: int, tasks: Sequence[ArmTask]) -> None:
        """Send a call networks to train along."""

    @abstractmethod
    def stop(self, call: int) -> None:
        """Ask a call to save what it has and end."""

    @abstractmethod
    def messages(self, timeout: float) -> list[Message]:
        """Return what has been told since the last time; wait for the first at most `timeout` seconds."""

    @abstractmethod
    def close(self) -> None:
        """End all processes; those that still work save what they have."""
