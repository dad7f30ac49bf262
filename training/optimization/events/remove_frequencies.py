"""Event that removes frequencies from weights, and keeps them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.models.weight_names import is_prunable
from training.optimization.events.base import Action, ArmInputs, Claim, SlotRows, Target
from training.optimization.events.frequency_event import FrequencyEvent
from training.optimization.events.residue_weights import by_residue, residue_axes, waves_of
from training.schema.validation import require

if TYPE_CHECKING:
    from torch import Tensor

    from training.optimization.events.base import AfterUpdate


@dataclass(frozen=True, kw_only=True)
class RemoveFrequencies(FrequencyEvent):
    """Removes Fourier components along a weight's residues, at once and after every update.

    A gradient without them would not do: AdamW divides it by its root mean square, weight by weight, and so
    brings them back.
    """

    name: Literal["remove_frequencies"] = "remove_frequencies"

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` about a pruned weight too."""
        super().check(target, others)
        masked = target.has_mask and any(map(is_prunable, self.weights))
        require(not masked, "weights", "weights without a mask, whose zeros would be filled", self.weights)

    def claims(self, target: Target) -> Sequence[Claim]:
        """Return the frequencies of the weights."""
        return [Claim(w, self.name, is_shared=True, frequencies=self.claimed()) for w in self.weights]

    def action(self, inputs: ArmInputs) -> Action:
        """Return the action that removes them."""
        p = inputs.target.residues
        assert p is not None
        axes = residue_axes(inputs.target.shapes, p)
        return RemovedWaves({name: axes[name] for name in self.weights}, self.chosen(inputs), p)


class RemovedWaves(Action):
    """Weights, and running means of their gradients, without some waves.

    Running means of squares stay: they are no direction.

    Parameters
    ----------
    axes : mapping
        Axis of the residues by weight.
    frequencies : sequence of int
        Of the waves.
    p : int
        Residues.
    """

    def __init__(self, axes: Mapping[str, int], frequencies: Sequence[int], p: int):
        self.axes, self.frequencies, self.waves_pn = axes, tuple(frequencies), waves_of(frequencies, p)

    def begin(self, rows: SlotRows) -> None:
        """Remove the waves now."""
        self.attach(rows)()

    def attach(self, rows: SlotRows) -> AfterUpdate:
        """Return the removal after an update."""
        waves_pn = self.waves_pn.to(rows.row)
        removals = [self._removal(rows, name, waves_pn) for name in self.axes]

        def remove() -> None:
            for removal in removals:
                removal()

        return remove

    def _removal(self, rows: SlotRows, name: str, waves_pn: Tensor) -> AfterUpdate:
        """Return the removal from one weight; products are in memory of their own, as bits depend on it."""
        import torch

        p, n = waves_pn.shape
        parts = [
            by_residue(rows.views(row)[name], self.axes[name], p) for row in (rows.row, *rows.gradient_sums)
        ]
        d = parts[0].shape[1]
        both_pd = waves_pn.new_empty(p, len(parts) * d)
        amplitudes_nd, part_pd = waves_pn.new_empty(n, len(parts) * d), torch.empty_like(both_pd)
        waves_np = waves_pn.mT.contiguous()
        places = list(zip(parts, both_pd.split(d, dim=1), part_pd.split(d, dim=1), strict=True))

        def remove() -> None:
            for weight, place, _ in places:
                place.copy_(weight)
            torch.mm(waves_np, both_pd, out=amplitudes_nd)
            torch.mm(waves_pn, amplitudes_nd, out=part_pd)
            for weight, _, removed in places:
                weight.sub_(removed)

        return remove
