"""Parametrization by the tangent of the network at its start.

The function f(θ₀) + J(θ₀)(θ − θ₀) is linear in the weights. What is trained and saved is θ = θ₀ + Δ, as in
every other arm, so the optimizer's weight decay draws θ, not Δ, to zero: an arm and its tangent differ in the
function alone, and their checkpoints and norms compare. Decay therefore draws away from f(θ₀) too; at θ = 0 a
tangent is f(θ₀) − J(θ₀)θ₀. A masked arm's θ₀ is the masked one, and its Δ is zero where pruned, so J's
columns there never count.

Shapes: r arms, n examples, p outputs, w weights of an arm in a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import vjp, vmap

from training.models.implementation import Implementation
from training.models.network import Forward, Network, StackedProblem, Weights
from training.optimization.parametrizations.base import StackedArms
from training.optimization.parametrizations.trained_weights import TrainedWeights


class Tangent(TrainedWeights):
    """Weights of the network's tangent at their masked start."""

    def __init__(self, arms: StackedArms):
        super().__init__(arms)
        self.layout, self.start_rw = arms.layout, self.trained[0].clone()

    def build_network(self, implementation: Implementation, problem: StackedProblem) -> Network:
        """Return the network's tangent at the start."""
        return TangentNetwork(implementation.forward, self.layout.views(self.start_rw), problem)

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.start_rw = self.start_rw[rows]


class TangentNetwork(Network):
    """Stacked arms, each linear around a point of its own.

    The point never moves, so neither do the ReLUs' slopes (zero at a kink, as in the network's own gradient):
    f and J's graph are made once, and a step is a product with J and one with its transpose.

    Parameters
    ----------
    forward : callable
        One network: (weights, inputs) → outputs.
    point : dict
        θ₀ by weight name, arms on the leading axis, pruned entries zero.

    References
    ----------
    .. [1] Lee et al., arXiv:1902.06720, Sec. 2 (linearized network).
    """

    def __init__(self, forward: Forward, point: Weights, problem: StackedProblem):
        inputs = problem.inputs()
        self.point, self.loss = point, problem.loss
        self.all = Linearization(forward, point, inputs)
        self.train = Linearization(forward, point, inputs[: problem.data.n_train])

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output) of every example."""
        return self.all.outputs(self._moved(weights))

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        error_rnp = self.loss.gradient_(self.train.outputs(self._moved(weights)))
        for name, grad in self.train.gradient(error_rnp).items():
            grads[name].copy_(grad)

    def _moved(self, weights: Weights) -> Weights:
        return {name: weight - self.point[name] for name, weight in weights.items()}


class Linearization:
    """Outputs f(θ₀), their Jacobian J and its transpose."""

    def __init__(self, forward: Forward, point: Weights, inputs: Tensor):
        stacked = vmap(forward, in_dims=(0, None))
        self.base_rnp, self._pull, *_ = vjp(lambda weights: stacked(weights, inputs), point)
        # The transpose is itself linear, and its transpose is J: kept as a graph, it repeats nothing of the
        # forward pass, which jvp would run anew at every step.
        _, self._push, *_ = vjp(self._pull, torch.zeros_like(self.base_rnp))

    def outputs(self, moved: Weights) -> Tensor:
        """Return (arm, example, output) after this move from θ₀."""
        (change_rnp,) = self._push((moved,))
        return self.base_rnp + change_rnp

    def gradient(self, error_rnp: Tensor) -> Weights:
        """Return Jᵀ of a gradient at the outputs."""
        (grads,) = self._pull(error_rnp)
        return grads
