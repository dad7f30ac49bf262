"""Parametrization by scores that choose the kept weights.

A network's weights stay frozen, or are trained along; every weight has a trained score, the scores choose a
subnetwork, and the gradient passes through the choice as if it were the identity.

Shapes: r arms, w weights of an arm in a row (layer after layer).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from training.models.network import Shapes
from training.models.weight_names import fan_in
from training.optimization.parametrizations.base import Parametrization, StackedArms


class Scores(Parametrization):
    """Subnetwork chosen by trained scores, layer by layer."""

    def __init__(self, arms: StackedArms):
        self.train_weights = arms.settings.train_weights
        self.trained, self.frozen = self.rows_of(arms)
        self.mask_rw = torch.empty_like(arms.weights_rw)

    def rows_of(self, arms: StackedArms) -> tuple[list[Tensor], list[Tensor]]:
        """Return the scores, with the weights if they are trained, else these apart."""
        settings, weights_rw = arms.settings, arms.weights_rw
        assert len(settings.seeds) == len(weights_rw)
        scores = [initial_scores(arms.layout.shapes, seed) for seed in settings.seeds]
        scores_rw = torch.stack(scores).to(weights_rw)
        return ([scores_rw, weights_rw], []) if self.train_weights else ([scores_rw], [weights_rw])

    @property
    def scores_rw(self) -> Tensor:
        """Trained scores of the weights."""
        return self.trained[0]

    @property
    def weights_rw(self) -> Tensor:
        """Weights that the scores choose from."""
        return self.trained[1] if self.train_weights else self.frozen[0]

    @abstractmethod
    def write_mask(self, training: bool) -> None:
        """Write the chosen subnetwork into `mask_rw`, 0 or 1 per weight."""

    @abstractmethod
    def choice_slope(self) -> Tensor:
        """Return the derivative of the choice by the scores.

        For a choice that has none, the factor that stands in for it.
        """

    def kept_values(self) -> Tensor:
        """Return the value of each weight if it is kept."""
        return self.weights_rw

    def write_weights(self, weights_rw: Tensor, training: bool) -> None:
        """Write the values of the chosen weights, zero elsewhere."""
        self.write_mask(training)
        torch.mul(self.kept_values(), self.mask_rw, out=weights_rw)

    def trained_gradients(self, grads_rw: Tensor) -> list[Tensor]:
        """Return the gradients of the scores, and of trained weights."""
        scores_grad = grads_rw * self.kept_values() * self.choice_slope()
        return [scores_grad, grads_rw.mul_(self.mask_rw)] if self.train_weights else [scores_grad]

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.mask_rw = torch.empty_like(self.trained[0])


def initial_scores(shapes: Shapes, seed: int) -> Tensor:
    """Draw an arm's scores in a row from the seed.

    They are uniform within ±1/√fan_in.

    References
    ----------
    .. [1] Ramanujan et al., arXiv:1911.13299, Sec. 3.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for name, shape in shapes.items():
        bound = 1 / math.sqrt(fan_in(name, shape))
        rows.append((torch.rand(math.prod(shape), generator=generator) * 2 - 1) * bound)
    return torch.cat(rows)
