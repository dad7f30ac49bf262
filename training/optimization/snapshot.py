"""Metrics, weights and states of all slots at one moment of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from training.optimization.parametrizations.weight_rows import RowLayout
from training.optimization.slots.host_copy import HostCopy


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Weights and states of an engine's slots, and their metrics if they were measured."""

    layout: RowLayout
    ages: Sequence[int]
    """Updates that the arm of each slot has had."""
    weights_rw: Tensor
    """Weights of the networks as last evaluated."""
    tensors: Mapping[str, Sequence[Tensor]]
    """Trained rows, and the optimizer's states by name."""
    extras: Sequence[Mapping[str, Any]]
    """Further entries of each slot's state, as that of a random generator."""
    measured: HostCopy | None = None
    """Metrics, on their way to the host: (slot, metric), columns as `evaluation.METRICS`."""

    sent: Mapping[int, HostCopy] = field(default_factory=dict)
    """Weights on their way to the host, in one copy: of these slots, in this order."""

    def metrics(self) -> np.ndarray:
        """Return the metrics, (slot, metric), once they have arrived on the host."""
        assert self.measured is not None
        return self.measured.arrays()[0]

    def arm_weights(self, slot: int) -> dict[str, np.ndarray]:
        """Return a copy of one arm's weights by name."""
        if slot in self.sent:
            return self.layout.arrays(self.sent[slot].result()[list(self.sent).index(slot)])
        return self.layout.arrays(self.weights_rw[slot])

    def arm_state(self, slot: int) -> dict[str, Any]:
        """Return the state to continue one arm from.

        It is the step, the trained rows, the state of the optimizer, and what only some arms have.
        """
        rows = {name: [t[slot].cpu().clone() for t in listed] for name, listed in self.tensors.items()}
        return {"step": self.ages[slot], **rows, **self.extras[slot]}


def check_state(state: Mapping[str, Any], tensors: Mapping[str, Sequence[Tensor]]) -> None:
    """Raise a `ValueError` unless an arm's state fits into a slot of these tensors."""
    for name, expected in tensors.items():
        rows = state.get(name)
        is_list = isinstance(rows, list) and all(isinstance(row, Tensor) for row in rows)
        kinds = [(row.shape, row.dtype) for row in rows] if is_list else None  # type: ignore[union-attr]
        if kinds != [(t[0].shape, t.dtype) for t in expected]:
            raise ValueError(f"expected {len(expected)} rows of {name!r}, of the model's size")
        if not all(row.isfinite().all() for row in rows):  # type: ignore[union-attr]
            raise ValueError(f"expected finite numbers in {name!r}")
