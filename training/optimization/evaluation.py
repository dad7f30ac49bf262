"""Evaluation of stacked arms: losses, accuracies and norms.

Shapes: r arms, n examples, p parts (training and test), w weights of an arm in a row.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.tasks.dataset import Dataset
from training.tasks.losses import Loss

METRICS = ("train_loss", "test_loss", "train_acc", "test_acc", "l1", "l2")
"""Columns of an evaluation."""


class Evaluation:
    """Metrics of stacked arms, each on its data."""

    def __init__(self, data: Dataset, n_arms: int, device: torch.device):
        self.parts = [slice(data.n_train), slice(data.n_train, None)]
        counts_n = torch.as_tensor(_counts(data), dtype=torch.float64, device=device)
        self.counts_rn = counts_n.repeat(n_arms, 1)
        self.total_pr = torch.stack([self.counts_rn[:, part].sum(-1) for part in self.parts])

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Give an arm other counts, in place."""
        counts_n = _counts(data)
        self.counts_rn[slot].copy_(torch.as_tensor(counts_n))
        self.total_pr[:, slot].copy_(torch.as_tensor([counts_n[part].sum() for part in self.parts]))

    def measure(self, loss: Loss, outputs_rnp: Tensor, weights_rw: Tensor) -> Tensor:
        """Return losses, accuracies and norms on the device: (arm, metric), columns as METRICS.

        NaN: accuracies of a task without classes, and both columns of a test set that is empty. Norms are
        over all weights of the arm, pruned ones being zero. `outputs_rnp` is overwritten.
        """
        weighted = [value_rn * self.counts_rn for value_rn in loss.values(outputs_rnp)]
        columns = [
            value_rn[:, part].sum(-1) / total_r
            for value_rn in weighted
            for part, total_r in zip(self.parts, self.total_pr, strict=True)
        ]
        norms = [weights_rw.abs().sum(-1).double(), weights_rw.norm(dim=-1).double()]
        return torch.stack(columns + norms, dim=-1)


def _counts(data: Dataset) -> np.ndarray:
    """Return how many examples each one stands for."""
    return np.ones(len(data.inputs)) if data.counts is None else data.counts
