"""Event that sets fields of the optimizer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from training.optimization.events.base import Claim, Event, Target
from training.optimization.optimizers.base import Optimizer
from training.schema.validation import require

FIELDS = ("lr", "weight_decay", "betas", "eps")
"""Fields of the optimizer that an event may set."""


@dataclass(frozen=True, kw_only=True)
class SetOptimizer(Event):
    """Sets the learning rate, weight decay or AdamW's constants; moments and the count of updates stay."""

    changes_weights: ClassVar[bool] = False

    name: Literal["set_optimizer"] = "set_optimizer"
    lr: float | None = None
    """Learning rate; the warm-up of the arm's optimizer multiplies it too."""
    weight_decay: float | None = None
    """Decoupled weight decay."""
    betas: tuple[float, float] | None = None
    """Decay rates of AdamW's running means."""
    eps: float | None = None
    """Constant in AdamW's denominator."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(len(self._changes()) > 0, "lr", f"one of {', '.join(FIELDS)} beside set_optimizer", None)

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` if the optimizer does not take the values."""
        super().check(target, others)
        self.optimizer(target.optimizer)

    def claims(self, target: Target) -> Sequence[Claim]:
        """Return the fields that are set."""
        return [Claim(f"optimizer.{field}", self.name, is_shared=False) for field in self._changes()]

    def optimizer(self, optimizer: Optimizer) -> Optimizer:
        """Return the optimizer with the fields of this event."""
        return dataclasses.replace(optimizer, **self._changes())

    def _changes(self) -> dict[str, Any]:
        return {field: getattr(self, field) for field in FIELDS if getattr(self, field) is not None}
