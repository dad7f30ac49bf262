"""Stacked network whose gradient autograd computes from a plain forward pass."""

from __future__ import annotations

import torch
from torch import Tensor

from training.models.network import Forward, Network, StackedProblem, Weights, own_rows
from training.tasks.dataset import Dataset


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
        # A row for each arm only if their data differ.
        self.inputs_rn = problem.stacked_inputs()
        self.n_train = problem.data.n_train

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output) of every example."""
        with torch.no_grad():
            arms = zip(self._arms(weights), self.inputs_rn, strict=True)
            return torch.stack([self.forward(arm, inputs) for arm, inputs in arms])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        arms = self._arms(weights)
        with torch.enable_grad():
            leaves = [{name: w.requires_grad_() for name, w in arm.items()} for arm in arms]
            pairs = zip(leaves, self.inputs_rn, strict=True)
            outputs = [self.forward(arm, inputs[: self.n_train]) for arm, inputs in pairs]
        error_rnp = self.loss.gradient_(torch.stack([each.detach() for each in outputs]))
        for row, arm in enumerate(leaves):
            arm_grads = torch.autograd.grad(
                outputs[row], list(arm.values()), error_rnp[row], materialize_grads=True
            )
            for name, grad in zip(arm, arm_grads, strict=True):
                grads[name][row].copy_(grad)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's inputs."""
        self.inputs_rn = own_rows(self.inputs_rn)
        self.inputs_rn[slot].copy_(torch.as_tensor(data.inputs))

    def _arms(self, weights: Weights) -> list[Weights]:
        """Return each arm's weights, detached."""
        return [{name: w[row].detach() for name, w in weights.items()} for row in range(self.n_arms)]
