"""Parametrization by the weights themselves."""

from __future__ import annotations

from torch import Tensor

from training.optimization.parametrizations.base import Parametrization, StackedArms


class TrainedWeights(Parametrization):
    """Weights that are trained themselves; pruned ones stay exactly zero.

    They start at zero and get no gradient. The network's weights are the trained row: nothing is copied.
    """

    def __init__(self, arms: StackedArms):
        self.trained, self.frozen = self.rows_of(arms)

    def rows_of(self, arms: StackedArms) -> tuple[list[Tensor], list[Tensor]]:
        """Return the masked weights, and the masks if there are any."""
        if arms.mask_rw is None:
            return [arms.weights_rw], []
        return [arms.weights_rw * arms.mask_rw], [arms.mask_rw]

    def network_weights(self) -> Tensor:
        """Return the trained row itself."""
        return self.trained[0]

    def write_weights(self, weights_rw: Tensor, training: bool) -> None:
        """Leave the weights: they are the trained row."""

    def trained_gradients(self, grads_rw: Tensor) -> list[Tensor]:
        """Return the gradient, zero where pruned."""
        for mask_rw in self.frozen:
            grads_rw.mul_(mask_rw)
        return [grads_rw]
