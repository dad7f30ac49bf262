"""Event that freezes weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.optimization.events.base import (
    Action,
    ArmInputs,
    Claim,
    Event,
    SlotRows,
    Target,
    check_weights,
)

if TYPE_CHECKING:
    from training.optimization.events.base import AfterUpdate


@dataclass(frozen=True, kw_only=True)
class Freeze(Event):
    """Holds weights and their moments as they are: no gradient moves them, and no decay."""

    name: Literal["freeze"] = "freeze"
    weights: tuple[str, ...] = ()
    """Weights that are held, by name; by default all."""

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` about a weight that is not there."""
        super().check(target, others)
        check_weights("weights", self.weights, list(target.shapes))

    def claims(self, target: Target) -> Sequence[Claim]:
        """Return the weights that are held."""
        return [Claim(weight, self.name, is_shared=True) for weight in self.weights or target.shapes]

    def action(self, inputs: ArmInputs) -> Action:
        """Return the action that puts the weights back after every update."""
        return HeldWeights(self.weights or tuple(inputs.target.shapes))


class HeldWeights(Action):
    """Weights that every update leaves as they were."""

    def __init__(self, weights: Sequence[str]):
        self.weights = weights

    def attach(self, rows: SlotRows) -> AfterUpdate:
        """Keep copies of the weights and their moments as they are now."""
        parts = [row[span] for row in rows.all_rows for span in rows.layout.spans(self.weights)]
        held = [(part, part.clone()) for part in parts]

        def put_back() -> None:
            for part, values in held:
                part.copy_(values)

        return put_back
