"""Base class of the events, and what an event sees of the arm that it changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from training.models.weight_names import Shape
from training.optimization.optimizers.base import Optimizer
from training.schema.validation import ConfigError, names, require

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from training.optimization.parametrizations.weight_rows import RowLayout

    Mask = dict[str, np.ndarray]
    AfterUpdate = Callable[[], None]
    """Change of a slot's weights and moments after every update."""

Time = int | str
"""Number of updates, or `t_mem` or `t_gen`."""


class Claim(NamedTuple):
    """Something that an event decides while it acts."""

    thing: str
    """Field of the optimizer, or name of a weight."""
    manner: str
    is_shared: bool
    """Several events may decide it in this manner at a time."""
    frequencies: frozenset[int] | None = None
    """Frequencies of the weight; None for all of it."""

    def contradicts(self, other: Claim) -> bool:
        """Return True if one of two claims cannot be met while the other is."""
        if self.thing != other.thing or (self.manner == other.manner and self.is_shared):
            return False
        both = (self.frequencies, other.frequencies)
        return None in both or bool(self.frequencies & other.frequencies)  # type: ignore[operator]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Network that an event changes or reads, as far as a recipe knows it."""

    shapes: Mapping[str, Shape]
    residues: int | None
    """p of a task on residues mod p; None for another."""
    form: str
    """Its parametrization."""
    has_mask: bool
    optimizer: Optimizer
    saves: Callable[[int], bool]
    """Returns True for a step with a checkpoint."""

    @property
    def trains_weights(self) -> bool:
        """Return True if the trained rows are the network's weights."""
        return self.form in ("weights", "tangent")


class ArmInputs(ABC):
    """What an event reads, beside its arm's weights, when its action is made."""

    target: Target
    own_mask: Mask | None
    """The arm's mask; None for a dense arm."""
    seed: int

    @abstractmethod
    def mask(self, arm: str) -> Mask:
        """Return the mask of another arm of the seed."""

    @abstractmethod
    def weights(self, arm: str, step: int | None = None) -> dict[str, np.ndarray]:
        """Return the weights of another arm of the seed at a step, by default its last checkpoint."""

    @abstractmethod
    def pruned(
        self, method: str, weights: Mapping[str, np.ndarray], sparsity: float | None, scope: str | None
    ) -> Mask:
        """Return the mask that a method makes of weights; raises `CannotPrune`."""


@dataclass(frozen=True)
class SlotRows:
    """Live weights and moments of one slot, by views."""

    layout: RowLayout
    row: Tensor
    """(w,): the weights."""
    moments: Mapping[str, Tensor]
    """(w,) each, tensors of the optimizer by name."""
    gradient_sums: Sequence[Tensor] = ()
    """Those of the moments that are sums of gradients, as AdamW's running mean."""

    def views(self, row: Tensor) -> dict[str, Tensor]:
        """Return views of a row by the weights' names."""
        return {name: view[0] for name, view in self.layout.views(row[None]).items()}

    @property
    def all_rows(self) -> list[Tensor]:
        """Weights and moments, (w,) each."""
        return [self.row, *self.moments.values()]


class Action:
    """What an event does to one slot."""

    frequencies: tuple[int, ...] | None = None
    """Those that it changes, for the arm's record; None for no frequencies."""

    def begin(self, rows: SlotRows) -> None:
        """Act once, before the first update of the event's time."""

    def attach(self, rows: SlotRows) -> AfterUpdate | None:
        """Return what is done after every update of the event's time; None for nothing.

        It is called again wherever the slot's tensors have moved, and after a state was loaded.
        """
        return None

    def settle(self) -> None:
        """Complete what `attach` leaves open, where steps end: before anything reads weights or moments."""

    def state(self) -> dict[str, Tensor]:
        """Return what `begin` has decided, to be saved with the arm."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a saved `state`."""


@dataclass(frozen=True, kw_only=True)
class Event(ABC):
    """Change of an arm after `at` updates.

    It acts right after the evaluation at that step, if there is one: the evaluation and a checkpoint there
    show the arm as it was. What lasts, lasts for all updates up to the one numbered `until`, or for `lasts`
    updates.
    """

    is_momentary: ClassVar[bool] = False
    """True for an event that acts once, and takes no `until`."""
    changes_weights: ClassVar[bool] = True
    """True for an event that needs trained weights, not scores."""

    name: str
    at: int | Literal["t_mem", "t_gen"]
    """Updates before the event, or the evaluation at which accuracy first is `measure.stop_threshold`."""
    until: int | Literal["t_mem", "t_gen"] | None = None
    """Last update for which the event lasts; by default the last one of the arm."""
    lasts: int | None = None
    """Number of updates for which the event lasts, in place of `until`."""
    of: str | None = None
    """Arm whose t_mem or t_gen is meant; by default this arm's own."""

    def __post_init__(self) -> None:
        for field in ("at", "until"):
            value = getattr(self, field)
            require(not isinstance(value, int) or value >= 0, field, "a step from 0", value)
        if self.is_momentary:
            require(self.until is None, "until", f"none: {self.name} acts once", self.until)
            require(self.lasts is None, "lasts", f"none: {self.name} acts once", self.lasts)
        require(self.lasts is None or self.lasts > 0, "lasts", "a number of updates above 0", self.lasts)
        require(None in (self.lasts, self.until), "lasts", "none beside until", self.lasts)
        if isinstance(self.at, int) and isinstance(self.until, int):
            require(self.until > self.at, "until", f"a step after at = {self.at}", self.until)
        require(self.at != self.until, "until", f"another time than at = {self.at!r}", self.until)
        has_named = isinstance(self.at, str) or isinstance(self.until, str)
        require(self.of is None or has_named, "of", "none beside steps, only beside t_mem or t_gen", self.of)

    def arms_read(self) -> tuple[str, ...]:
        """Return the other arms that the event needs."""
        return () if self.of is None else (self.of,)

    def checkpoints_read(self) -> tuple[tuple[str, int], ...]:
        """Return arm and step of the checkpoints that the event reads."""
        return ()

    def last_checkpoints_read(self) -> tuple[str, ...]:
        """Return the arms whose last checkpoint the event reads, whatever its step."""
        return ()

    def waits_for_own_times(self) -> bool:
        """Return True if this arm's own t_mem or t_gen decides when the event acts."""
        return self.of is None and (isinstance(self.at, str) or isinstance(self.until, str))

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` unless the event fits the network, and the other arms that it reads."""
        if self.changes_weights and not target.trains_weights:
            expected = "an event for trained scores, as set_optimizer"
            raise ConfigError(f"name: expected {expected}, got {self.name!r}")

    @abstractmethod
    def claims(self, target: Target) -> Sequence[Claim]:
        """Return what the event decides while it acts."""

    def optimizer(self, optimizer: Optimizer) -> Optimizer:
        """Return the optimizer while the event acts."""
        return optimizer

    def action(self, inputs: ArmInputs) -> Action | None:
        """Return what the event does to weights and moments; imports torch."""
        return None


def check_weights(field: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    """Raise a `ConfigError` about a weight that is not there, or is named twice."""
    for name in chosen:
        require(name in known, field, f"some of {names(known)}", name)
    require(len({*chosen}) == len(chosen), field, "every weight once", list(chosen))
