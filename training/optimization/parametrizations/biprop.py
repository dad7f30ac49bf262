"""Biprop: chosen weights reduced to signs times a magnitude."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.edge_popup import EdgePopup


class Biprop(EdgePopup):
    """Edge-popup with binary weights.

    A kept weight is its sign times the layer's mean kept magnitude α.

    References
    ----------
    .. [1] Diffenderfer & Kailkhura, arXiv:2103.09377, Algorithm 1.
    """

    def __init__(self, arms: StackedArms):
        super().__init__(arms)
        self.values_rw = torch.empty_like(self.mask_rw)

    def write_mask(self, training: bool) -> None:
        """Choose as edge-popup, and compute α·sign(W), α = Σ|W|m / Σm per layer."""
        super().write_mask(training)
        means_rw = self.choice.kept_means(self.weights_rw.abs(), self.mask_rw)
        torch.mul(means_rw, self.weights_rw.sign(), out=self.values_rw)

    def kept_values(self) -> Tensor:
        """Return α·sign(W) of the mask as last chosen."""
        return self.values_rw

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.values_rw = torch.empty_like(self.mask_rw)
