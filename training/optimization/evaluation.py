"""Evaluation of stacked arms: losses, accuracies and norms.

Shapes: r arms, n examples, w weights of an arm in a row.
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
    """Metrics of stacked arms on one data set."""

    def __init__(self, data: Dataset, device: torch.device):
        counts = np.ones(len(data.inputs)) if data.counts is None else data.counts
        self.counts_n = torch.as_tensor(counts, device=device)
        self.parts = [slice(data.n_train), slice(data.n_train, None)]

    def measure(self, loss: Loss, outputs_rnp: Tensor, weights_rw: Tensor) -> Tensor:
        """Return losses, accuracies and norms on the device: (arm, metric), columns as METRICS.

        NaN: accuracies of a task without classes, and both columns of a test set that is empty. Norms are
        over all weights of the arm, pruned ones being zero. `outputs_rnp` is overwritten.
        """
        columns = [
            (value_rn * self.counts_n)[:, part].sum(-1) / self.counts_n[part].sum()
            for value_rn in loss.values(outputs_rnp)
            for part in self.parts
        ]
        norms = [weights_rw.abs().sum(-1).double(), weights_rw.norm(dim=-1).double()]
        return torch.stack(columns + norms, dim=-1)
