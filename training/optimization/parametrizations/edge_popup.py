"""Edge-popup: weights chosen by their trained scores."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.layer_choice import layer_choice
from training.optimization.parametrizations.scores import Scores


class EdgePopup(Scores):
    """The largest |s| of each layer, an exact count.

    The forward ranks |s|, so the gradient carries the sign of s: without it a negative score would move
    against the descent of the loss.

    References
    ----------
    .. [1] Ramanujan et al., arXiv:1911.13299, Sec. 3.
    """

    def __init__(self, arms: StackedArms):
        super().__init__(arms)
        self.choice = layer_choice(arms.layout.sizes, _densities(arms), arms.weights_rw)

    def write_mask(self, training: bool) -> None:
        """Choose each layer's largest |s|, ties to the lower index."""
        self.choice.write_mask(self.scores_rw.abs(), self.mask_rw)

    def choice_slope(self) -> Tensor:
        """Return the sign of the score."""
        return self.scores_rw.sign()

    def refill(self, slot: int, arm: StackedArms) -> None:
        """Put one other arm into a slot, with its density."""
        super().refill(slot, arm)
        self.choice.refill(slot, *_densities(arm))

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.choice.keep_arms(rows)


def _densities(arms: StackedArms) -> list[float]:
    """Return the share that each arm keeps of a layer, by default all."""
    return list(arms.settings.densities) or [1.0] * len(arms.weights_rw)
