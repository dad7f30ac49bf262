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
from training.tasks.dataset import Dataset


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


class OneHotMLPNetwork(Network):
    """Stacked arms on sums of two rows, without autograd."""

    def __init__(self, activation: Activation, problem: StackedProblem):
        p, m = next(iter(problem.shapes.values()))[0], problem.shapes["W_in"][1]
        n, n_classes, buffer = problem.data.n_train, problem.shapes["W_out"][1], problem.buffer
        pairs_rn2 = problem.stacked_inputs()
        n_all = pairs_rn2.shape[1]
        self.activation, self.loss = activation, problem.loss
        self.rectifies = activation is ACTIVATIONS["relu"]
        self.train = PairSum(pairs_rn2[:, :n], p, buffer(n, m))
        self.all = self.train if n == n_all else PairSum(pairs_rn2, p, buffer(n_all, m))
        self.all_hidden_rnm, self.all_logits_rnp = buffer(n_all, m), buffer(n_all, n_classes)
        self.hidden_rnm, self.logits_rnp = self.all_hidden_rnm[:, :n], self.all_logits_rnp[:, :n]
        if n < n_all:
            self.hidden_rnm, self.logits_rnp = buffer(n, m), buffer(n, n_classes)
        self.hidden_grad_rnm, self.table_grad_rpm = buffer(n, m), buffer(p, m)
        self.output_grad_rpm = buffer(n_classes, m)
        self.table_rpm = buffer(p, m) if "W_E" in problem.shapes else None

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, pair, class) logits of every pair, overwritten by the next call."""
        _, hidden_rnm = self._hidden(self.all, self._table(weights), self.all_hidden_rnm)
        return stacked_matmul(hidden_rnm, weights["W_out"], out=self.all_logits_rnp)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's pairs."""
        pairs_n2 = torch.as_tensor(data.inputs, device=self.loss.device)
        self.all.replace(slot, pairs_n2)
        if self.train is not self.all:
            self.train.replace(slot, pairs_n2[: data.n_train])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        W_out, has_embedding = weights["W_out"], "W_E" in weights
        sums_rnm, hidden_rnm = self._hidden(self.train, self._table(weights), self.hidden_rnm)
        error_rnp = self.loss.gradient_(stacked_matmul(hidden_rnm, W_out, out=self.logits_rnp))
        # A product whose result has short rows is slower than the one that gives its transpose.
        grads["W_out"].copy_(stacked_matmul(error_rnp.mT, hidden_rnm, out=self.output_grad_rpm).mT)
        hidden_grad_rnm = stacked_matmul(error_rnp, W_out.mT, out=self.hidden_grad_rnm)
        table_grad_rpm = self.table_grad_rpm if has_embedding else grads["W_in"]
        if self.rectifies:
            summed_rpm = self.train.rectified_backward(hidden_grad_rnm, hidden_rnm, table_grad_rpm)
        else:
            hidden_grad_rnm.mul_(by_arm_(self.activation.slope_, sums_rnm))
            summed_rpm = self.train.backward(hidden_grad_rnm)
        if has_embedding:
            stacked_matmul(summed_rpm, weights["W_in"].mT, out=grads["W_E"])
            stacked_matmul(weights["W_E"].mT, summed_rpm, out=grads["W_in"])
        elif summed_rpm is not table_grad_rpm:
            table_grad_rpm.copy_(summed_rpm)

    def _table(self, weights: Weights) -> Tensor:
        """Return each neuron's input from each residue, (arm, residue, neuron)."""
        if self.table_rpm is None:
            return weights["W_in"]
        return stacked_matmul(weights["W_E"], weights["W_in"], out=self.table_rpm)

    def _hidden(self, pairs: PairSum, table_rpm: Tensor, out_rnm: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sums, which other slopes than ReLU's need, and the activations."""
        if self.rectifies:
            hidden_rnm = pairs.rectified(table_rpm)
            return hidden_rnm, hidden_rnm
        sums_rnm = pairs.forward(table_rpm)
        return sums_rnm, by_arm_(lambda x, out: self.activation.value(x, out=out), sums_rnm, out_rnm)


def implementation(activation: str) -> Implementation:
    """Return the functions of the network with this activation."""
    chosen = ACTIVATIONS[activation]
    return Implementation(
        forward_with(chosen), partial(OneHotMLPNetwork, chosen), partial(AsWritten, chosen), start=start
    )
