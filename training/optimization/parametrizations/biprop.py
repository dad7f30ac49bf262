"""Biprop: chosen weights reduced to signs times a magnitude."""

from __future__ import annotations

import torch
from torch import Tensor

from training.optimization.parametrizations.edge_popup import EdgePopup


class Biprop(EdgePopup):
    """Edge-popup with binary weights.

    A kept weight is its sign times the layer's mean kept magnitude α.

    References
    ----------
    .. [1] Diffenderfer & Kailkhura, arXiv:2103.09377, Algorithm 1.
    """

    def kept_values(self) -> Tensor:
        """Return α·sign(W), α = Σ|W|m / Σm per layer."""
        pieces = []
        weights = self.weights_rw.split(self.sizes, dim=1)
        for weight, mask in zip(weights, self.mask_rw.split(self.sizes, dim=1), strict=True):
            alpha = (weight.abs() * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)
            pieces.append(alpha * weight.sign())
        return torch.cat(pieces, dim=1)
