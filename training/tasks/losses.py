"""Losses of stacked arms: values, and gradients at the outputs.

Shapes: r arms, n examples, p outputs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from einops import repeat
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from training.models.kernels.by_arm import by_arm_
from training.models.kernels.fused import fused_loops
from training.tasks.dataset import Dataset

LOG2_E = math.log2(math.e)


class Loss(ABC):
    """Loss of stacked arms: a mean over examples.

    Each example is weighted by its count.
    """

    def __init__(self, device: torch.device):
        self.device = device

    @abstractmethod
    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's labels, targets and counts, in place, with others of the same shapes."""

    @abstractmethod
    def gradient_(self, outputs_rnp: Tensor) -> Tensor:
        """Turn training outputs in place into the mean loss's gradient at them."""

    @abstractmethod
    def values(self, outputs_rnp: Tensor) -> tuple[Tensor, Tensor]:
        """Return every example's loss, and 1 if its class is right.

        Both are float64; the second is NaN without classes. `outputs_rnp` is overwritten.
        """


def loss_of(data: Dataset, n_arms: int, device: torch.device, dtype: torch.dtype) -> Loss:
    """Return cross-entropy for classes alone, squared error for targets."""
    kind = CrossEntropy if data.targets is None else SquaredError
    return kind(data, n_arms, device, dtype)


def plain_loss(
    data: Dataset,
    part: slice | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.double,
) -> Callable[[Tensor], Tensor]:
    """Return the mean loss as a function of one network's outputs.

    It is over `part` of the examples, by default the training set.
    """
    assert data.counts is None
    part = slice(data.n_train) if part is None else part
    if data.targets is not None:
        targets = torch.as_tensor(data.targets[part], device=device, dtype=dtype)
        return lambda outputs: mse_loss(outputs, targets)
    assert data.labels is not None
    labels = torch.as_tensor(data.labels[part], device=device)
    return lambda outputs: cross_entropy(outputs, labels)


class CrossEntropy(Loss):
    """Minus the log probability of the true class, in nats."""

    def __init__(self, data: Dataset, n_arms: int, device: torch.device, dtype: torch.dtype):
        super().__init__(device)
        labels = torch.as_tensor(data.labels, device=device)
        self.labels_rn1 = labels.repeat(n_arms, 1)[..., None]
        self.train_labels_rn1 = self.labels_rn1[:, : data.n_train]
        shares = torch.as_tensor(_shares(data), dtype=dtype, device=device)
        self.share_rn1 = shares.repeat(n_arms, 1)[..., None]
        self.fused = fused_loops(device, dtype)

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's labels and counts."""
        self.labels_rn1[slot, :, 0].copy_(torch.as_tensor(data.labels))
        self.share_rn1[slot, :, 0].copy_(torch.as_tensor(_shares(data)))

    def gradient_(self, outputs_rnp: Tensor) -> Tensor:
        """Turn training outputs into softmax minus one-hot, times the example's share of the mean.

        At the true class it is minus the others' sum: 1 − P loses a memorized example's gradient to float32.
        """
        if self.fused is not None and outputs_rnp[0].is_contiguous():
            parts = (outputs_rnp, self.train_labels_rn1[..., 0], self.share_rn1[..., 0])
            for arm in zip(*(part.numpy() for part in parts), strict=True):
                self.fused.softmax_error(*arm)
            return outputs_rnp
        error_rnp = torch.softmax(outputs_rnp, -1, out=outputs_rnp).scatter_(-1, self.train_labels_rn1, 0.0)
        error_rnp.scatter_(-1, self.train_labels_rn1, error_rnp.sum(-1, keepdim=True).neg_())
        return error_rnp.mul_(self.share_rn1)

    def values(self, outputs_rnp: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses exact down to 1e-30, and correctness.

        A tie is an error. Losses are summed from the margins to the true class, so a loss far below the
        outputs' rounding is still itself.
        """
        highest_rn, others_rn = self._margins(outputs_rnp)
        base_rn = highest_rn.clamp(min=0)
        loss_rn = base_rn + by_arm_(Tensor.log1p_, by_arm_(Tensor.expm1_, -base_rn) + others_rn)
        return loss_rn, (highest_rn < 0).double()

    def _margins(self, outputs_rnp: Tensor) -> tuple[Tensor, Tensor]:
        """Return each example's largest margin, and the others' Σ exp(margin − max(largest, 0))."""
        if self.fused is not None and outputs_rnp[0].is_contiguous():
            results = outputs_rnp.new_empty(2, *outputs_rnp.shape[:2], dtype=torch.double)
            parts = (outputs_rnp, self.labels_rn1[..., 0], *results)
            for arm in zip(*(part.numpy() for part in parts), strict=True):
                self.fused.margins(*arm)
            return results[0], results[1]
        margins_rnp = outputs_rnp
        margins_rnp -= margins_rnp.gather(-1, self.labels_rn1)
        margins_rnp.scatter_(-1, self.labels_rn1, -torch.inf)
        highest_rn = margins_rnp.amax(-1)
        # exp2 in place of exp: the vendor's exp is many times slower where results are denormal.
        margins_rnp.sub_(highest_rn.clamp(min=0)[..., None]).mul_(LOG2_E)
        return highest_rn.double(), by_arm_(Tensor.exp2_, margins_rnp).sum(-1).double()


def _shares(data: Dataset) -> np.ndarray:
    """Return the share of each training example in the mean."""
    counts = np.ones(data.n_train) if data.counts is None else data.counts[: data.n_train]
    return counts / counts.sum()


class SquaredError(Loss):
    """Mean over outputs of the squared distance to the target."""

    def __init__(self, data: Dataset, n_arms: int, device: torch.device, dtype: torch.dtype):
        assert data.targets is not None and data.counts is None
        super().__init__(device)
        targets = torch.as_tensor(data.targets, device=device, dtype=dtype)
        self.targets_rnp = repeat(targets, "n p -> r n p", r=n_arms).contiguous()
        self.train_targets_rnp = self.targets_rnp[:, : data.n_train]
        self.labels_rn1 = None
        if data.labels is not None:
            self.labels_rn1 = repeat(
                torch.as_tensor(data.labels, device=device), "n -> r n 1", r=n_arms
            ).contiguous()

    def replace_data(self, slot: int, data: Dataset) -> None:
        """Overwrite an arm's targets and labels."""
        self.targets_rnp[slot].copy_(torch.as_tensor(data.targets))
        if self.labels_rn1 is not None:
            self.labels_rn1[slot, :, 0].copy_(torch.as_tensor(data.labels))

    def gradient_(self, outputs_rnp: Tensor) -> Tensor:
        """Turn training outputs into 2 (output − target) / (outputs · examples)."""
        return outputs_rnp.sub_(self.train_targets_rnp).mul_(2 / outputs_rnp[0].numel())

    def values(self, outputs_rnp: Tensor) -> tuple[Tensor, Tensor]:
        """Return losses, and 1 if the class's output is largest.

        A tie is an error.
        """
        if self.labels_rn1 is None:
            right_rn = torch.full(
                outputs_rnp.shape[:2], torch.nan, dtype=torch.double, device=outputs_rnp.device
            )
        else:
            class_rn1 = outputs_rnp.gather(-1, self.labels_rn1)
            right_rn = ((outputs_rnp >= class_rn1).sum(-1) == 1).double()
        return outputs_rnp.sub_(self.targets_rnp).square_().mean(-1).double(), right_rn
