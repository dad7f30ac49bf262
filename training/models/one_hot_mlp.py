"""He et al.'s network on modular addition: its start, its plain forward and its gradient by hand.

A pair's one-hot inputs pick two rows of W_in, so what its neurons get is a sum of two rows, not a product. Of
a network with a trained embedding they are rows of W_E W_in, multiplied out once per step.

Shapes: r arms, n pairs, p residues (and classes), m = d_mlp.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, one_hot

from training.architectures.registry import OneHotMLP
from training.models.kernels.batched_matmul import product
from training.models.kernels.pair_embedding import PairSum
from training.models.network import Forward, Model, Network, Shapes, Weights
from training.tasks.dataset import Dataset
from training.tasks.losses import Loss


class Activation(NamedTuple):
    """A function of one variable and its slope."""

    value: Callable[..., Tensor]
    """Of x, into `out` if that is given."""
    slope_: Callable[[Tensor], Tensor]
    """Of x, in its place."""


def _relu(x: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.relu(x) if out is None else torch.clamp(x, min=0, out=out)


def _softplus(x: Tensor, out: Tensor | None = None) -> Tensor:
    return torch.logaddexp(x, x.new_zeros(()), out=out)


ACTIVATIONS = {
    "relu": Activation(_relu, lambda x: x.gt_(0)),
    "square": Activation(torch.square, lambda x: x.mul_(2)),
    "abs": Activation(torch.abs, torch.Tensor.sign_),
    "cube": Activation(partial(torch.pow, exponent=3), lambda x: x.square_().mul_(3)),
    "fourth": Activation(partial(torch.pow, exponent=4), lambda x: x.pow_(3).mul_(4)),
    "exp": Activation(torch.exp, torch.Tensor.exp_),
    "softplus": Activation(_softplus, torch.Tensor.sigmoid_),
}


def model(activation: str) -> Model:
    """The ways to compute the network with this activation."""
    chosen = ACTIVATIONS[activation]
    return Model(
        partial(OneHotMLPNetwork, chosen), forward_with(chosen), partial(AsWritten, chosen), start=start
    )


def start(settings: OneHotMLP, shapes: Shapes, seed: int) -> Weights:
    """θ₀ in float32 on the CPU, a function of the seed alone, to the draw that of the authors' code.

    They store matrices (out, in) and draw W_in first. For `single_frequency` they take frequencies from
    NumPy's legacy generator and the phases from torch, two normal numbers for each neuron and matrix.

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
    """(pair, 2) residues → (pair, class) logits, by rows of W_in, or of W_E W_in."""

    def forward(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
        table = weights["W_E"] @ weights["W_in"] if "W_E" in weights else weights["W_in"]
        return activation.value(embedding(pairs, table).sum(1)) @ weights["W_out"]

    return forward


class AsWritten(nn.Module):
    """The network as the paper's code writes it: one-hot inputs, weights stored (out, in)."""

    def __init__(self, activation: Activation, weights: Weights):
        super().__init__()
        self.activation = activation
        self.stored = nn.ParameterList(w.T.clone() for w in weights.values())  # in their order

    def forward(self, pairs: Tensor) -> Tensor:
        """(pair, 2) residues → (pair, class) logits."""
        *inwards, W_out = self.stored
        seen = one_hot(pairs, inwards[0].shape[1]).to(W_out.dtype).sum(1)
        for W in inwards:
            seen = seen @ W.T
        return self.activation.value(seen) @ W_out.T


def _table(weights: Mapping[str, Tensor]) -> Tensor:
    """What each neuron gets of each residue, (..., residue, neuron)."""
    W_in = weights["W_in"]
    return product(weights["W_E"], W_in) if "W_E" in weights else W_in


class OneHotMLPNetwork(Network):
    """Logits on all pairs and the training gradient of stacked arms, without autograd."""

    def __init__(
        self,
        activation: Activation,
        shapes: Shapes,
        data: Dataset,
        loss: Loss,
        n_arms: int,
        device: torch.device,
        dtype: torch.dtype,
    ):
        def pair_sum(pairs: Tensor) -> PairSum:
            buffers = (torch.empty(n_arms, len(pairs), m, device=device, dtype=dtype) for _ in range(2))
            return PairSum(pairs, p, *buffers)

        p, m = next(iter(shapes.values()))[0], shapes["W_in"][1]
        pairs = torch.as_tensor(data.inputs, device=device)
        self.activation, self.loss = activation, loss
        self.train = pair_sum(pairs[: data.n_train])
        self.all = self.train if data.n_train == len(pairs) else pair_sum(pairs)

    def outputs(self, weights: Weights) -> Tensor:
        """(arm, pair, class) logits of every pair."""
        hidden_rnm = self._hidden(self.all, self.all.forward(_table(weights)))
        return product(hidden_rnm, weights["W_out"])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's mean loss over the training pairs into `grads`."""
        W_out = weights["W_out"]
        sums_rnm = self.train.forward(_table(weights))
        hidden_rnm = self._hidden(self.train, sums_rnm)
        error_rnp = self.loss.error_(product(hidden_rnm, W_out))
        error_rnp.mul_(1 / error_rnp.shape[1])  # the mean's 1/n
        grads["W_out"].copy_(product(error_rnp.mT, hidden_rnm).mT)
        hidden_grad_rnm = product(error_rnp, W_out.mT)
        hidden_grad_rnm.mul_(self.activation.slope_(sums_rnm))
        table_grad_rpm = self.train.backward(hidden_grad_rnm)
        if "W_E" in weights:
            grads["W_E"].copy_(product(table_grad_rpm, weights["W_in"].mT))
            table_grad_rpm = product(weights["W_E"].mT, table_grad_rpm)
        grads["W_in"].copy_(table_grad_rpm)

    def _hidden(self, pairs: PairSum, sums_rnm: Tensor) -> Tensor:
        """The activations, beside the sums, which their slopes are taken of."""
        return self.activation.value(sums_rnm, out=pairs.spare_rnm)
