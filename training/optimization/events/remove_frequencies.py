"""Event that removes frequencies from weights, and keeps them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from training.models.weight_names import is_prunable
from training.optimization.events.base import Action, ArmInputs, Claim, SlotRows, Target
from training.optimization.events.frequency_event import FrequencyEvent
from training.optimization.events.residue_weights import residue_axes, waves_of
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
        of_weights = {name: axes[name] for name in self.weights}
        return RemovedWaves(of_weights, self.chosen(inputs), p, is_saved=self.keys_of is not None)


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
    is_saved : bool
        The frequencies were chosen by another arm's weights, which may be trained on: they are saved.
    """

    def __init__(self, axes: Mapping[str, int], frequencies: Sequence[int], p: int, is_saved: bool = False):
        self.axes, self.p, self.is_saved = axes, p, is_saved
        self._choose(frequencies)

    def _choose(self, frequencies: Sequence[int]) -> None:
        self.frequencies, self.waves_pn = tuple(frequencies), waves_of(frequencies, self.p)

    def state(self) -> dict[str, Tensor]:
        """Return the frequencies that another arm has chosen."""
        import torch

        return {"frequencies": torch.tensor(self.frequencies)} if self.is_saved else {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on with the frequencies that were chosen before."""
        self._choose([int(k) for k in state["frequencies"]])

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

        (p, n), axis = waves_pn.shape, self.axes[name]
        parts = [rows.views(row)[name].narrow(axis, 0, p) for row in (rows.row, *rows.gradient_sums)]
        side_by_side = 1 - axis
        all_parts = torch.cat(parts, dim=side_by_side)
        removed = torch.empty_like(all_parts)
        d = all_parts.shape[side_by_side]
        amplitudes_nd = waves_pn.new_empty(n, d)
        waves_np = waves_pn.mT.contiguous()
        sizes = [part.shape[side_by_side] for part in parts]
        places = list(
            zip(parts, *(t.split(sizes, dim=side_by_side) for t in (all_parts, removed)), strict=True)
        )

        def remove() -> None:
            for weight, place, _ in places:
                place.copy_(weight)
            # Of two orders this one is the faster, by several times for residues in columns.
            torch.mm(waves_np, all_parts if axis == 0 else all_parts.mT, out=amplitudes_nd)
            if axis == 0:
                torch.mm(waves_pn, amplitudes_nd, out=removed)
            else:
                torch.mm(amplitudes_nd.mT, waves_np, out=removed)
            for weight, _, part in places:
                weight.sub_(part)

        return remove
