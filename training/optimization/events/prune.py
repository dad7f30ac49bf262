"""Event that prunes in the middle of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.models.weight_names import is_prunable
from training.optimization.events.base import Action, ArmInputs, Claim, Event, SlotRows, Target
from training.pruning.registry import METHODS
from training.schema.validation import names, require

if TYPE_CHECKING:
    from torch import Tensor

    from training.optimization.events.base import AfterUpdate


@dataclass(frozen=True, kw_only=True)
class Prune(Event):
    """Sets weights to zero and holds them there, by a method or by another arm's mask.

    A method that reads trained weights reads those that the arm has then. Weights that the arm's own mask has
    pruned stay pruned. After `until` pruned weights train again, from zero.
    """

    name: Literal["prune"] = "prune"
    method: str | None = None
    """Pruning method, a key of `METHODS` that reads no mask."""
    mask: str | None = None
    """Arm of the same seed whose mask is taken, in place of a method."""
    sparsity: float | None = None
    """For a method: share of the prunable weights removed; by default the recipe's `pruning.sparsity`."""
    scope: Literal["global", "layer"] | None = None
    """For a method: scope of its scores; by default the recipe's `pruning.scope`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one = (self.method is None) != (self.mask is None)
        require(one, "method", "a method or a mask, and not both", self.method)
        for field in ("sparsity", "scope"):
            value = getattr(self, field)
            require(value is None or self.mask is None, field, "none beside a mask", value)
        sparsity = 0.5 if self.sparsity is None else self.sparsity
        require(0 < sparsity < 1, "sparsity", "a number in (0, 1)", self.sparsity)

    def arms_read(self) -> tuple[str, ...]:
        """Return the arm of the mask too."""
        return (*super().arms_read(), *([] if self.mask is None else [self.mask]))

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` about a method that reads a mask, or an arm without a mask that fits."""
        super().check(target, others)
        if self.mask is not None:
            other = others[self.mask]
            require(other.has_mask, "mask", "an arm with a mask", f"{self.mask}, which is dense")
            shapes = (dict(target.shapes), dict(other.shapes))
            require(shapes[0] == shapes[1], "mask", f"an arm of the shapes {shapes[0]}", shapes[1])
            return
        fitting = [name for name, method in METHODS.items() if method.source != "mask"]
        require(self.method in fitting, "method", f"one of {names(fitting)}", self.method)

    def claims(self, target: Target) -> Sequence[Claim]:
        """Return all weights that masks cover."""
        return [Claim(name, self.name, is_shared=True) for name in target.shapes if is_prunable(name)]

    def action(self, inputs: ArmInputs) -> Action:
        """Return the action that sets them to zero."""
        return HeldZeros(self, inputs)


class HeldZeros(Action):
    """Weights that are zero after every update, with their moments."""

    def __init__(self, event: Prune, inputs: ArmInputs):
        self.event, self.inputs = event, inputs
        self.pruned_w: Tensor | None = None
        """True where pruned, on the host; None before the event."""

    def begin(self, rows: SlotRows) -> None:
        """Choose the weights, and set them to zero."""
        import torch

        if self.event.mask is not None:
            mask = self.inputs.mask(self.event.mask)
        else:
            assert self.event.method is not None
            weights = rows.layout.arrays(rows.row)
            mask = self.inputs.pruned(self.event.method, weights, self.event.sparsity, self.event.scope)
        kept = rows.layout.stack_masks([mask], torch.float32)
        assert kept is not None
        self.pruned_w = kept[0] == 0
        self.attach(rows)()

    def attach(self, rows: SlotRows) -> AfterUpdate:
        """Return what sets the pruned weights to zero."""
        assert self.pruned_w is not None
        pruned_w, all_rows = self.pruned_w.to(rows.row.device), rows.all_rows

        def set_zero() -> None:
            for row in all_rows:
                row.masked_fill_(pruned_w, 0)

        return set_zero

    def state(self) -> dict[str, Tensor]:
        """Return the chosen weights; nothing before the event."""
        return {} if self.pruned_w is None else {"pruned": self.pruned_w}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on with weights that were chosen before."""
        self.pruned_w = state["pruned"].clone()
