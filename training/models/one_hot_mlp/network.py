"""Start, forward pass and gradient of He et al.'s network.

A pair's one-hot inputs pick two rows of W_in, so its neurons receive a sum of two rows, not a product. With a
trained embedding they are rows of W_E W_in, multiplied out once per step.

Shapes: r arms, n pairs, p residues (and classes), m = d_mlp.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, one_hot

from training.models.implementation import Implementation
from training.models.kernels.batched_matmul import stacked_matmul
from training.models.kernels.by_arm import by_arm_
from training.models.kernels.pair_embedding import PairSum
from training.models.network import Forward, Network, Shapes, StackedProblem, Weights
from training.models.one_hot_mlp.activations import ACTIVATIONS, Activation
from training.models.one_hot_mlp.architecture import OneHotMLP


def start(settings: OneHotMLP, shapes: Shapes, seed: int) -> Weights:
    """Draw θ₀ number by number as the authors' code.

    It is drawn in float32 on the CPU, by the seed alone. The authors store matrices (out, in) and draw W_in
    first. For `single_frequency` they take frequencies from NumPy's legacy generator and the phases from
    torch, two normal numbers for each neuron and matrix.

    References
    ----------
    .. [1] He et al., arXiv:2602.16849.
    """
    generator = torch.Generator().manual_seed(seed)
    if settings.init == "normal":
        return {
            name: (
                torch.randn(shape[::-1], generator=generator) * settings.deviation(name, shape)
            ).T.contiguous()
            for name, shape in shapes.items()
        }
    p, m = shapes["W_in"]
    numpy_draws = np.random.RandomState(seed % 2**32)  # which takes no larger seed
    frequencies = numpy_draws.choice(np.arange(1, (p + 1) // 2), size=(p - 1) // 2, replace=False)
    frequency_m = np.resize(frequencies, m)
    numpy_draws.shuffle(frequency_m)
    angle_pm = 2 * math.pi / p * torch.outer(torch.arange(p), torch.from_numpy(frequency_m))

    def cosines() -> Tensor:
        # Neuron by neuron: a longer draw uses up the generator in another way.
        drawn_m2 = torch.stack([torch.randn(2, generator=generator) for _ in range(m)])
        cos_m, sin_m = (drawn_m2 / drawn_m2.norm(dim=1, keepdim=True)).T
        return settings.init_scale * (cos_m * angle_pm.cos() + sin_m * angle_pm.sin())

    return {"W_in": cosines(), "W_out": cosines().T.contiguous()}


def forward_with(activation: Activation) -> Forward:
    """Return the plain forward pass with this activation."""

    def forward(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
        table = weights["W_E"] @ weights["W_in"] if "W_E" in weights else weights["W_in"]
        return activation.value(embedding(pairs, table).sum(1)) @ weights["W_out"]

    return forward


class AsWritten(nn.Module):
    """The network as the paper's code, on one-hot inputs.

    Weights are stored (out, in).
    """

    def __init__(self, activation: Activation, weights: Weights):
        super().__init__()
        self.activation = activation
        self.stored = nn.ParameterList(w.T.clone() for w in weights.values())  # in their order

    def forward(self, pairs: Tensor) -> Tensor:
        """Return (pair, class) logits of (pair, 2) residues."""
        *inwards, W_out = self.stored
        features = one_hot(pairs, inwards[0].shape[1]).to(W_out.dtype).sum(1)
        for W in inwards:
            features = features @ W.T
        return self.activation.value(features) @ W_out.T


def _table(weights: Mapping[str, Tensor]) -> Tensor:
    """Return each neuron's input from each residue, (..., residue, neuron)."""
    W_in = weights["W_in"]
    return stacked_matmul(weights["W_E"], W_in) if "W_E" in weights else W_in


class OneHotMLPNetwork(Network):
    """Stacked arms on sums of two rows, without autograd."""

    def __init__(self, activation: Activation, problem: StackedProblem):
        def pair_sum(pairs: Tensor) -> PairSum:
            return PairSum(pairs, p, *(problem.buffer(len(pairs), m) for _ in range(2)))

        p, m = next(iter(problem.shapes.values()))[0], problem.shapes["W_in"][1]
        pairs, n_train = problem.inputs(), problem.data.n_train
        self.activation, self.loss = activation, problem.loss
        self.train = pair_sum(pairs[:n_train])
        self.all = self.train if n_train == len(pairs) else pair_sum(pairs)

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, pair, class) logits of every pair."""
        hidden_rnm = self._hidden(self.all, self.all.forward(_table(weights)))
        return stacked_matmul(hidden_rnm, weights["W_out"])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        W_out = weights["W_out"]
        sums_rnm = self.train.forward(_table(weights))
        hidden_rnm = self._hidden(self.train, sums_rnm)
        error_rnp = self.loss.error_(stacked_matmul(hidden_rnm, W_out))
        error_rnp.mul_(1 / error_rnp.shape[1])  # the mean's 1/n
        grads["W_out"].copy_(stacked_matmul(error_rnp.mT, hidden_rnm).mT)
        hidden_grad_rnm = stacked_matmul(error_rnp, W_out.mT)
        hidden_grad_rnm.mul_(by_arm_(self.activation.slope_, sums_rnm))
        table_grad_rpm = self.train.backward(hidden_grad_rnm)
        if "W_E" in weights:
            grads["W_E"].copy_(stacked_matmul(table_grad_rpm, weights["W_in"].mT))
            table_grad_rpm = stacked_matmul(weights["W_E"].mT, table_grad_rpm)
        grads["W_in"].copy_(table_grad_rpm)

    def _hidden(self, pairs: PairSum, sums_rnm: Tensor) -> Tensor:
        """Return the activations; the slopes still need the sums."""
        return by_arm_(lambda x, out: self.activation.value(x, out=out), sums_rnm, pairs.spare_rnm)


def implementation(activation: str) -> Implementation:
    """Return the functions of the network with this activation."""
    chosen = ACTIVATIONS[activation]
    return Implementation(
        forward_with(chosen), partial(OneHotMLPNetwork, chosen), partial(AsWritten, chosen), start=start
    )
