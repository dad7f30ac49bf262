"""Optimizer settings of every slot, as tensors on the device.

Shapes: r slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from training.optimization.optimizers.base import Optimizer

ROWS = (
    *("lr", "weight_decay", "live", "mean_rate", "square_rate"),
    *("eps", "beta1", "beta2", "warmup_steps", "age", "next_update"),
)
"""Rows of `SlotSettings.values`; the first five are zero in an empty slot."""
N_ZEROED = 5
"""Number of rows that are zero in an empty slot."""


class SlotSettings:
    """Learning rate, decay rates, warm-up and age of every slot, in float64.

    Nothing is read from the device, and only `fill` copies to it.

    Parameters
    ----------
    n_slots : int
        Number of slots; all are empty at first.
    device : str or torch.device
        Where the slots are trained.

    Examples
    --------
    >>> from training.optimization.optimizers import AdamW
    >>> settings = SlotSettings(2, "cpu")
    >>> settings.fill(1, AdamW(lr=0.5, warmup_steps=10), age=3)
    >>> settings.advance()
    >>> settings.age.tolist(), settings.lr_now().tolist()
    ([0.0, 4.0], [0.0, 0.2])
    """

    def __init__(self, n_slots: int, device: str | torch.device = "cpu"):
        self.values = torch.zeros(len(ROWS), n_slots, dtype=torch.float64, device=device)
        """(row, r), rows as `ROWS`."""
        self.lr, self.weight_decay, self.live, self.mean_rate, self.square_rate = self.values[:N_ZEROED]
        self.eps, self.beta1, self.beta2, self.warmup_steps, self.age, self.next_update = self.values[
            N_ZEROED:
        ]
        self.is_empty = torch.ones(n_slots, dtype=torch.bool, device=device)
        self._betas = self.values[ROWS.index("beta1") :][:2]
        self._counts = self.values[ROWS.index("age") :]
        self.eps.fill_(1.0)  # no empty slot divides by zero
        self.next_update.fill_(1.0)

    def fill(self, slot: int, optimizer: Optimizer, age: int) -> None:
        """Put an arm into a slot, after `age` updates."""
        beta1, beta2 = optimizer.betas
        column = {
            "lr": optimizer.lr,
            "weight_decay": optimizer.weight_decay,
            "live": 1.0,
            "mean_rate": 1 - beta1,
            "square_rate": 1 - beta2,
            "eps": optimizer.eps,
            "beta1": beta1,
            "beta2": beta2,
            "warmup_steps": float(optimizer.warmup_steps),
            "age": float(age),
            "next_update": float(age + 1),
        }
        self.values[:, slot].copy_(torch.tensor([column[row] for row in ROWS], dtype=torch.float64))
        self.is_empty[slot].fill_(False)

    def release(self, slot: int) -> None:
        """Empty a slot: no update changes it from now on."""
        self.values[:N_ZEROED, slot].zero_()
        self.is_empty[slot].fill_(True)

    def advance(self) -> None:
        """Count an update in every slot that is not empty."""
        self._counts.add_(self.live)

    def lr_now(self) -> Tensor:
        """Return each slot's learning rate of the next update, as `Optimizer.lr_at`."""
        is_warming = self.age < self.warmup_steps
        return torch.where(is_warming, self.lr * self.age / self.warmup_steps, self.lr)

    def bias_corrections(self) -> Tensor:
        """Return 1 − βᵗ of both running means after the next update: (2, r)."""
        return 1 - self._betas**self.next_update
