"""Forward pass and gradient of a ReLU network on features.

There are no biases: x → relu(x W_0) → relu(· W_1) → … → · W_last.

A network has few outputs, and a matrix product whose result has short rows is several times slower than the
one that gives its transpose. So the outputs lie in memory column by column, and the last layer's gradient is
the transpose of a product.

Shapes: r arms, n examples, i and j units of consecutive layers, p outputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from training.models.implementation import Implementation
from training.models.kernels.by_arm import bmm_by_arm
from training.models.network import Network, StackedProblem, Weights, own_rows
from training.tasks.dataset import Dataset


def forward(weights: Mapping[str, Tensor], features: Tensor) -> Tensor:
    """Return (example, output) from (example, feature), layer by layer."""
    *hidden, last = weights.values()
    for weight in hidden:
        features = torch.relu(features @ weight)
    return features @ last


def as_written(weights: Weights) -> nn.Module:
    """Return the network as `nn.Linear` layers with ReLUs between them."""
    layers: list[nn.Module] = []
    for weight_ij in weights.values():
        n_inputs, n_outputs = weight_ij.shape
        linear = nn.Linear(n_inputs, n_outputs, bias=False)
        linear.weight = nn.Parameter(weight_ij.T.clone())  # stored (out, in)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class MLPNetwork(Network):
    """Stacked arms, without autograd."""

    def __init__(self, problem: StackedProblem):
        def hidden(n: int) -> list[Tensor]:
            return [buffer(n, width) for width in widths]

        *hidden_shapes, (fan_in, n_outputs) = problem.shapes.values()
        widths = [width for _, width in hidden_shapes]
        n, buffer = problem.data.n_train, problem.buffer
        self.n_train, self.all_rni = n, problem.stacked_inputs()
        n_all = self.all_rni.shape[1]
        self.loss = problem.loss
        on_cpu, sizes = problem.device.type == "cpu", (n, n_all)
        self.multiply = {
            name: bmm_by_arm if on_cpu and problem.n_arms > 1 and 1 in (*shape, *sizes) else torch.bmm
            for name, shape in problem.shapes.items()
        }
        self.train_rni = self.all_rni[:, :n]
        self.all_layers = [*hidden(n_all), buffer(n_outputs, n_all).mT]
        self.train_layers = [*hidden(n), buffer(n_outputs, n).mT]
        self.errors = hidden(n)
        self.last_grad_rpi = buffer(n_outputs, fan_in)

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, example, output), overwritten by the next call."""
        return self._forward(weights, self.all_rni, self.all_layers)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's features."""
        self.all_rni = own_rows(self.all_rni)
        self.all_rni[slot].copy_(torch.as_tensor(data.inputs))
        self.train_rni = self.all_rni[:, : self.n_train]

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        *names, above = weights
        inputs = [self.train_rni, *self.train_layers[:-1]]  # of every layer
        error_rnj = self.loss.gradient_(self._forward(weights, self.train_rni, self.train_layers))
        grads[above].copy_(self.multiply[above](error_rnj.mT, inputs[-1], out=self.last_grad_rpi).mT)
        pairs = zip(names, itertools.pairwise(inputs), self.errors, strict=True)
        for name, (input_rni, hidden_rnj), spare_rnj in reversed(list(pairs)):
            error_rnj = self.multiply[above](error_rnj, weights[above].mT, out=spare_rnj)
            error_rnj.mul_(hidden_rnj.sign_())  # relu's slope; relu's output is done with
            self.multiply[name](input_rni.mT, error_rnj, out=grads[name])
            above = name

    def _forward(self, weights: Weights, input_rni: Tensor, buffers: list[Tensor]) -> Tensor:
        for (name, weight_rij), buffer_rnj in zip(weights.items(), buffers, strict=True):
            input_rni = self.multiply[name](input_rni, weight_rij, out=buffer_rnj)
            if buffer_rnj is not buffers[-1]:
                input_rni.relu_()
        return input_rni


IMPLEMENTATION = Implementation(forward, MLPNetwork, as_written)
