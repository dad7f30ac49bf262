"""Event that transplants frequencies from another arm's weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from training.optimization.events.base import Action, ArmInputs, Claim, SlotRows, Target
from training.optimization.events.frequency_event import FrequencyEvent, check_giver
from training.optimization.events.residue_weights import by_residue, residue_axes, waves_of
from training.schema.validation import require

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Transplant(FrequencyEvent):
    """Replaces Fourier components along a weight's residues by those of another arm.

    The running means of their gradients start at zero. In an arm with a mask, pruned weights stay zero.
    """

    is_momentary: ClassVar[bool] = True

    name: Literal["transplant"] = "transplant"
    arm: str
    """Arm that gives them, of the same seed."""
    step: int | None = None
    """Checkpoint of that arm; by default its last one."""

    def arms_read(self) -> tuple[str, ...]:
        """Return the giving arm too."""
        return (*super().arms_read(), self.arm)

    def checkpoints_read(self) -> tuple[tuple[str, int], ...]:
        """Return the giving arm and step, if one is named."""
        return () if self.step is None else ((self.arm, self.step),)

    def last_checkpoints_read(self) -> tuple[str, ...]:
        """Return the giving arm too, if no step is named."""
        return (*super().last_checkpoints_read(), *([self.arm] if self.step is None else []))

    def check(self, target: Target, others: Mapping[str, Target]) -> None:
        """Raise a `ConfigError` if the weights do not fit, or the step has no checkpoint."""
        super().check(target, others)
        giver = others[self.arm]
        check_giver("arm", self.arm, giver, target, self.weights)
        if self.step is None:
            return
        is_saved = self.step >= 0 and giver.saves(self.step)
        require(is_saved, "step", f"a step of {self.arm} with a checkpoint", self.step)

    def claims(self, target: Target) -> Sequence[Claim]:
        """Return the frequencies of the weights."""
        return [Claim(w, self.name, is_shared=False, frequencies=self.claimed()) for w in self.weights]

    def action(self, inputs: ArmInputs) -> Action:
        """Return the action that replaces them."""
        p = inputs.target.residues
        assert p is not None
        axes = residue_axes(inputs.target.shapes, p)
        given = inputs.weights(self.arm, self.step)
        mask = inputs.own_mask or {}
        return GivenWaves({name: axes[name] for name in self.weights}, self.chosen(inputs), p, given, mask)


class GivenWaves(Action):
    """Waves of given weights, put in place of a slot's own.

    Parameters
    ----------
    axes : mapping
        Axis of the residues by weight.
    frequencies : sequence of int
        Of the waves.
    p : int
        Residues.
    given : mapping
        Weights by name.
    mask : mapping
        1 = kept, by name; a weight that is not in it is kept.
    """

    def __init__(
        self,
        axes: Mapping[str, int],
        frequencies: Sequence[int],
        p: int,
        given: Mapping[str, np.ndarray],
        mask: Mapping[str, np.ndarray],
    ):
        self.axes, self.given, self.mask = axes, given, mask
        self.frequencies, self.waves_pn = tuple(frequencies), waves_of(frequencies, p)

    def begin(self, rows: SlotRows) -> None:
        """Replace the waves, by products in float64 on the host."""
        import torch

        zeros = {name: torch.zeros(self.given[name].shape) for name in self.axes}
        given = {name: torch.from_numpy(self.given[name]) for name in self.axes}
        for row, new in ((rows.row, given), *((row, zeros) for row in rows.gradient_sums)):
            for name, axis in self.axes.items():
                self._replace(rows.views(row)[name], new[name], axis, self.mask.get(name))

    def _replace(self, weight: Tensor, new: Tensor, axis: int, mask: np.ndarray | None) -> None:
        import torch

        p = len(self.waves_pn)
        old_pd, new_pd = (by_residue(w.cpu().double(), axis, p) for w in (weight, new))
        mixed_pd = old_pd + self.waves_pn @ (self.waves_pn.mT @ (new_pd - old_pd))
        by_residue(weight, axis, p).copy_(mixed_pd)
        if mask is not None:
            weight.masked_fill_(torch.from_numpy(~mask.astype(bool)).to(weight.device), 0)
