"""Implementation of a model in torch: its functions of the weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.models.autograd_network import AutogradNetwork
from training.models.base import Model
from training.models.network import Forward, Network, Shapes, StackedProblem, Weights

SynapticFlow = Callable[[Mapping[str, Tensor]], Tensor]


def chain_flow(weights: Mapping[str, Tensor]) -> Tensor:
    """Return the synaptic flow 1ᵀ(Π W)1 of a chain of matrices.

    Matrices are (in, out). The result is up to a factor that bears no gradient: the product of the largest
    flows into each layer, without which deep products overflow.
    """
    first, *_ = weights.values()
    units = torch.ones_like(first[:, 0])
    for weight in weights.values():
        units = units @ weight
        units = units / units.detach().max().clamp(min=torch.finfo(units.dtype).tiny)
    return units.sum()


def normal_init(model: Model, shapes: Shapes, seed: int) -> Weights:
    """Draw normal weights in float32 on the CPU from the seed.

    Their deviations are `model.deviation`; biases are zero. Zeros are not drawn: a seed gives the same
    matrices with and without biases.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(shape, generator=generator) * deviation if deviation else torch.zeros(shape)
        for name, shape in shapes.items()
        for deviation in [model.deviation(name, shape)]
    }


@dataclass(frozen=True)
class Implementation:
    """Functions of a model's weights; only `forward` is required."""

    forward: Forward
    """One network, written plainly: (weights, inputs) → outputs, for autograd and torch.func."""
    fast_network: Callable[[StackedProblem], Network] | None = None
    """Stacked arms with a gradient by hand; by default autograd through `forward`, arm by arm."""
    research_module: Callable[[Weights], nn.Module] | None = None
    """One network as research code writes it, the baseline of `training.bench`; by default `forward` with the
    weights as parameters."""
    start: Callable[[Any, Shapes, int], Weights] = normal_init
    """θ₀ from the settings, the weights' shapes and a seed."""
    flow: SynapticFlow = chain_flow
    """SynFlow's R of absolute weights, for autograd, up to a factor that bears no gradient.

    It sums the outputs for an input of ones, of the network made linear; by default of a chain of matrices.
    """

    def network(self, problem: StackedProblem) -> Network:
        """Return the stacked network that trains."""
        if self.fast_network is None:
            return AutogradNetwork(self.forward, problem)
        return self.fast_network(problem)

    def as_written(self, weights: Weights) -> nn.Module:
        """Return a network's module, written as research code writes it."""
        if self.research_module is None:
            return ForwardModule(self.forward, weights)
        return self.research_module(weights)


class ForwardModule(nn.Module):
    """Plain forward pass as a module with the weights as parameters."""

    def __init__(self, forward: Forward, weights: Weights):
        super().__init__()
        self.names, self.forward_pass = list(weights), forward
        self.weights = nn.ParameterList(w.clone() for w in weights.values())

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs for these inputs."""
        return self.forward_pass(dict(zip(self.names, self.weights, strict=True)), inputs)
