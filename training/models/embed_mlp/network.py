"""Forward pass and gradient of Minegishi et al.'s MLP.

The network is linear on both sides of its ReLU, so the embedding and the input projection fold into one
table over residues, T = W_E W_in (p, m), and the output projection and the unembedding into one map
R = W_out W_U (m, p), once per step. A pair's hidden layer is then relu(T[a] + T[b]): a gather of two rows
where the network as written multiplies (n, d) by (d, m). The function and its gradient are the same.

Shapes: r arms, n pairs, p residues (and classes), d = d_emb, m = d_mlp.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from einops import reduce
from torch import Tensor, nn
from torch.nn.functional import embedding

from training.models.implementation import Implementation
from training.models.kernels.pair_embedding import PairSum
from training.models.network import Network, StackedProblem, Weights
from training.tasks.dataset import Dataset


def forward(weights: Mapping[str, Tensor], pairs: Tensor) -> Tensor:
    """Return (pair, class) logits of (pair, 2) residues."""
    hidden = torch.relu(embedding(pairs, weights["W_E"] @ weights["W_in"]).sum(1))
    return hidden @ (weights["W_out"] @ weights["W_U"])


class AsWritten(nn.Module):
    """The network layer by layer, as the paper's code.

    logits = W_U W_out relu(W_in (W_E[:, a] + W_E[:, b])), every weight multiplied by its mask; weights stored
    (out, in), the transpose of this project's, and logits in float64 for the loss.

    Parameters
    ----------
    weights, mask : dict of Tensor
        By TransformerLens name, stored (in, out); `mask` None keeps everything.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 3.
    """

    def __init__(self, weights: dict[str, Tensor], mask: dict[str, Tensor] | None = None):
        super().__init__()
        for name, w in weights.items():
            self.register_parameter(name, nn.Parameter(w.T.clone()))
            mask_w = torch.ones_like(w) if mask is None else mask[name].to(w)
            self.register_buffer(f"mask_{name}", mask_w.T.clone())

    def masked(self, name: str) -> Tensor:
        """Return a weight with its pruned entries zero."""
        return self.get_parameter(name) * self.get_buffer(f"mask_{name}")

    def forward(self, pairs: Tensor) -> Tensor:
        """Return (pair, class) logits of (pair, 2) residues."""
        embedded = reduce(self.masked("W_E")[:, pairs], "d n token -> n d", "sum")
        hidden = torch.relu(embedded @ self.masked("W_in").T)
        projected = hidden @ self.masked("W_out").T
        return (projected @ self.masked("W_U").T).double()


class EmbedMLPNetwork(Network):
    """Stacked arms on the folded network, without autograd."""

    def __init__(self, problem: StackedProblem):
        (p, _), (_, m), (_, n_classes) = (problem.shapes[name] for name in ("W_E", "W_in", "W_U"))
        n, pairs_rn2, buffer = problem.data.n_train, problem.stacked_inputs(), problem.buffer
        n_all = pairs_rn2.shape[1]
        self.loss = problem.loss
        self.table_rpm, self.table_grad_rpm = buffer(p, m), buffer(p, m)
        self.output_rmp, self.output_grad_rmp = buffer(m, n_classes), buffer(m, n_classes)
        self.train = PairSum(pairs_rn2[:, :n], p, buffer(n, m))
        self.all = PairSum(pairs_rn2, p, buffer(n_all, m))
        self.hidden_grad_rnm = buffer(n, m)
        self.train_logits_rnp, self.all_logits_rnp = buffer(n, n_classes), buffer(n_all, n_classes)

    def outputs(self, weights: Weights) -> Tensor:
        """Return (arm, pair, class) logits, overwritten by the next call."""
        table_rpm = torch.bmm(weights["W_E"], weights["W_in"], out=self.table_rpm)
        output_rmp = torch.bmm(weights["W_out"], weights["W_U"], out=self.output_rmp)
        hidden_rnm = self.all.rectified(table_rpm)
        return torch.bmm(hidden_rnm, output_rmp, out=self.all_logits_rnp)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's pairs."""
        pairs_n2 = torch.as_tensor(data.inputs, device=self.loss.device)
        self.all.replace(slot, pairs_n2)
        self.train.replace(slot, pairs_n2[: data.n_train])

    def gradient(self, weights: Weights, grads: Weights) -> None:
        """Write the gradient of each arm's training loss into `grads`."""
        W_E, W_in, W_out, W_U = (weights[name] for name in ("W_E", "W_in", "W_out", "W_U"))
        table_rpm = torch.bmm(W_E, W_in, out=self.table_rpm)
        output_rmp = torch.bmm(W_out, W_U, out=self.output_rmp)
        hidden_rnm = self.train.rectified(table_rpm)
        logits_rnp = torch.bmm(hidden_rnm, output_rmp, out=self.train_logits_rnp)

        error_rnp = self.loss.gradient_(logits_rnp)
        output_grad_rmp = torch.bmm(hidden_rnm.mT, error_rnp, out=self.output_grad_rmp)
        hidden_grad_rnm = torch.bmm(error_rnp, output_rmp.mT, out=self.hidden_grad_rnm)
        table_grad_rpm = self.train.rectified_backward(hidden_grad_rnm, hidden_rnm, self.table_grad_rpm)

        torch.bmm(table_grad_rpm, W_in.mT, out=grads["W_E"])
        torch.bmm(W_E.mT, table_grad_rpm, out=grads["W_in"])
        torch.bmm(output_grad_rmp, W_U.mT, out=grads["W_out"])
        torch.bmm(W_out.mT, output_grad_rmp, out=grads["W_U"])


IMPLEMENTATION = Implementation(forward, EmbedMLPNetwork, AsWritten)
