"""Names of weights: matrices `W_*`, biases `b_*`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

Shape = tuple[int, ...]
T = TypeVar("T")


def shapes_of(weights: Mapping[str, Any]) -> dict[str, Shape]:
    """Return the shapes of arrays or tensors by name."""
    return {name: tuple(w.shape) for name, w in weights.items()}


def is_prunable(name: str) -> bool:
    """Return True if masks cover the weight of this name.

    They cover every matrix W_*, and no bias b_*.
    """
    return not name.rpartition(".")[2].startswith("b_")


def prunable(by_name: Mapping[str, T]) -> dict[str, T]:
    """Return the entries by weight name that masks cover."""
    return {name: value for name, value in by_name.items() if is_prunable(name)}


def fan_in(name: str, shape: Shape) -> int:
    """Return the number of terms in a matrix's sums.

    That is the number of its rows; of an embedding, the tokens it chooses from. Of attention's
    (head, in, out) matrices W_Q, W_K and W_V sum over `in`, and W_O over `head` as well.
    """
    if len(shape) == 2:
        return shape[0]
    return shape[0] * shape[1] if name.endswith("W_O") else shape[1]
