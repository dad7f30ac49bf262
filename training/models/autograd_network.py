"""Stacked network whose gradient autograd computes from a plain forward pass."""

from __future__ import annotations

import torch
from torch import Tensor

from training.models.network import Forward, Network, StackedProblem, Weights


class AutogradNetwork(Network):
    """Arms computed one after another by a plain forward pass.

    It is exact and takes any torch code. An arm's numbers do not depend on the other arms.

    Parameters
    ----------
    forward : callable
        One network: (weights, inputs) → outputs, differentiable in the weights.
    """

    def __init__(self, forward: Forward, problem: StackedProblem):
        self.forward, self.loss, self.n_arms = forward, problem.loss, problem.n_arms
        self.inputs = problem.inputs()
        self.train_inputs = self.inputs[: problem.data.n_train]

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output) of every example."""
        with torch.no_grad():
            return torch.stack([self.forward(arm, self.inputs) for arm in self._arms(weights)])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        arms = self._arms(weights)
        with torch.enable_grad():
            leaves = [{name: w.requires_grad_() for name, w in arm.items()} for arm in arms]
            outputs = [self.forward(arm, self.train_inputs) for arm in leaves]
        error_rnp = self.loss.gradient_(torch.stack([each.detach() for each in outputs]))
        for row, arm in enumerate(leaves):
            arm_grads = torch.autograd.grad(
                outputs[row], list(arm.values()), error_rnp[row], materialize_grads=True
            )
            for name, grad in zip(arm, arm_grads, strict=True):
                grads[name][row].copy_(grad)

    def _arms(self, weights: Weights) -> list[Weights]:
        """Return each arm's weights, detached."""
        return [{name: w[row].detach() for name, w in weights.items()} for row in range(self.n_arms)]
