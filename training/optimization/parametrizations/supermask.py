"""Supermask: every weight is kept with a trained probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from training.models.kernels.by_arm import by_arm_
from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.scores import Scores


class Supermask(Scores):
    """Weights kept with probability σ(s), drawn anew at each step.

    No density is imposed: the scores decide it. Evaluations and checkpoints take the likeliest mask,
    σ(s) > 1/2.

    References
    ----------
    .. [1] Zhou et al., arXiv:1905.01067, Sec. 4.1.
    """

    draws = True

    def __init__(self, arms: StackedArms):
        super().__init__(arms)
        self.chance_rw = torch.empty_like(self.mask_rw)
        self.generators = _generators(arms)

    def write_mask(self, training: bool) -> None:
        """Choose by a draw while training, the likeliest mask otherwise."""
        by_arm_(Tensor.sigmoid_, self.chance_rw.copy_(self.scores_rw))
        if not training:
            self.mask_rw.copy_(self.chance_rw > 0.5)
            return
        for chance_w, mask_w, generator in zip(self.chance_rw, self.mask_rw, self.generators, strict=True):
            torch.bernoulli(chance_w, generator=generator, out=mask_w)

    def choice_slope(self) -> Tensor:
        """Return the slope of the sigmoid where the mask was chosen."""
        return self.chance_rw * (1 - self.chance_rw)

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.chance_rw = torch.empty_like(self.mask_rw)
        self.generators = [self.generators[row].clone_state() for row in rows]

    def generator_state(self, row: int) -> dict[str, Tensor]:
        """Return the state of the arm's generator."""
        return {"generator": self.generators[row].get_state()}

    def refill(self, slot: int, arm: StackedArms) -> None:
        """Put one other arm into a slot, with its generator."""
        super().refill(slot, arm)
        (self.generators[slot],) = _generators(arm)

    def restore_slot(self, slot: int, trained: Sequence[Tensor], state: Mapping[str, Any]) -> None:
        """Continue a slot's arm from saved scores and generator."""
        super().restore_slot(slot, trained, state)
        self.generators[slot].set_state(state["generator"])


def _generators(arms: StackedArms) -> list[torch.Generator]:
    """Return a generator for each arm, at its start."""
    device = arms.weights_rw.device
    return [torch.Generator(device).manual_seed(seed) for seed in arms.settings.seeds]
