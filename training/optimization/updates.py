"""Updates of all slots: by one call where arms are alike, else arm by arm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from training.optimization.optimizers.base import Optimizer

SlotsUpdate = Callable[[Sequence[Tensor], Sequence[int]], None]
"""Change the trained tensors of all slots by their gradients; each arm's updates so far decide its rate."""


def update_of(
    optimizers: Sequence[Optimizer],
    trained: Sequence[Tensor],
    state: Mapping[str, Sequence[Tensor]],
    ages: Sequence[int],
    is_live: Sequence[bool],
) -> SlotsUpdate:
    """Return the function that updates all live slots in place.

    An arm's bits do not depend on which arms it is updated with.

    Parameters
    ----------
    optimizers, ages, is_live : sequences
        Of each slot: its settings, its updates so far, and whether an arm trains in it.
    trained : sequence of Tensor
        (slot, weight) each.
    state : mapping
        Tensors of the optimizer, for each name one per trained tensor.
    """
    alike = all(o == optimizers[0] for o in optimizers) and len({*ages}) == len({*is_live}) == 1
    parts = [slice(len(ages))] if alike else [slice(slot, slot + 1) for slot in range(len(ages))]
    updates = [
        (
            part,
            optimizers[part.stop - 1],
            optimizers[part.stop - 1].build_update(
                [t[part] for t in trained],
                {name: [t[part] for t in tensors] for name, tensors in state.items()},
                ages[part.stop - 1],
            ),
        )
        for part in parts
        if is_live[part.stop - 1]
    ]

    def update(gradients: Sequence[Tensor], ages: Sequence[int]) -> None:
        for part, optimizer, update_part in updates:
            update_part([gradient[part] for gradient in gradients], optimizer.lr_at(ages[part.stop - 1]))

    return update


def per_arm(value: Any, n_arms: int) -> list[Any]:
    """Return a value for each arm: one of a list, or the same for all."""
    values = list(value) if isinstance(value, Sequence) else [value] * n_arms
    assert len(values) == n_arms
    return values
