"""A ReLU network on features, without biases: x → relu(x W_0) → relu(· W_1) → … → · W_last.

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

from training.models.network import Network, Shapes, Weights
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss


def forward(weights: Mapping[str, Tensor], features: Tensor) -> Tensor:
    """(example, feature) → (example, output), layer by layer."""
    *hidden, last = weights.values()
    for weight in hidden:
        features = torch.relu(features @ weight)
    return features @ last


def as_written(weights: Weights) -> nn.Module:
    """The network as research code writes it: `nn.Linear` layers with ReLUs between them."""
    layers: list[nn.Module] = []
    for weight_ij in weights.values():
        n_inputs, n_outputs = weight_ij.shape
        linear = nn.Linear(n_inputs, n_outputs, bias=False)
        linear.weight = nn.Parameter(weight_ij.T.clone())  # stored (out, in)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class MLPNetwork(Network):
    """Outputs on all examples and the training gradient of stacked arms, without autograd."""

    def __init__(
        self, shapes: Shapes, data: Dataset, loss: Loss, n_arms: int, device: torch.device, dtype: torch.dtype
    ):
        def buffer(*shape: int) -> Tensor:
            return torch.empty(n_arms, *shape, device=device, dtype=dtype)

        def hidden(n: int) -> list[Tensor]:
            return [buffer(n, width) for width in widths]

        *hidden_shapes, (fan_in, n_outputs) = shapes.values()
        widths = [width for _, width in hidden_shapes]
        n = data.n_train
        features = torch.as_tensor(data.inputs, device=device, dtype=dtype)
        self.loss = loss
        self.all_rni = features.expand(n_arms, *features.shape)
        self.train_rni = self.all_rni[:, :n]
        self.all_layers = [*hidden(len(features)), buffer(n_outputs, len(features)).mT]
        self.train_layers = [*hidden(n), buffer(n_outputs, n).mT]
        self.errors = hidden(n)
        self.last_grad_rpi = buffer(n_outputs, fan_in)

    def outputs(self, weights: Weights) -> Tensor:
        """(arm, example, output) of every example, in a buffer that the next call overwrites."""
        return self._forward(weights, self.all_rni, self.all_layers)

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's mean loss over the training examples into `grads`."""
        *names, above = weights
        inputs = [self.train_rni, *self.train_layers[:-1]]  # of every layer
        error_rnj = self.loss.error_(self._forward(weights, self.train_rni, self.train_layers))
        error_rnj.mul_(1 / error_rnj.shape[1])  # the mean's 1/n
        grads[above].copy_(torch.bmm(error_rnj.mT, inputs[-1], out=self.last_grad_rpi).mT)
        pairs = zip(names, itertools.pairwise(inputs), self.errors, strict=True)
        for name, (input_rni, hidden_rnj), spare_rnj in reversed(list(pairs)):
            error_rnj = torch.bmm(error_rnj, weights[above].mT, out=spare_rnj)
            error_rnj.mul_(hidden_rnj.sign_())  # relu's slope; relu's output is done with
            torch.bmm(input_rni.mT, error_rnj, out=grads[name])
            above = name

    @staticmethod
    def _forward(weights: Weights, input_rni: Tensor, buffers: list[Tensor]) -> Tensor:
        for weight_rij, buffer_rnj in zip(weights.values(), buffers, strict=True):
            input_rni = torch.bmm(input_rni, weight_rij, out=buffer_rnj)
            if buffer_rnj is not buffers[-1]:
                input_rni.relu_()
        return input_rni
