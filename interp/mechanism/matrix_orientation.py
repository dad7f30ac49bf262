"""Matrices given the wrong way round, told by shapes that contradict.

Axes are named: tokens (residues, and = in some models), d (embedding or residual stream), m (neurons),
k (a head's width), classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from jaxtyping import Float
from numpy import ndarray

__all__ = ["check_orientation", "transposed_hint"]

AXES = {
    "embed_mlp": {"W_E": "tokens d", "W_in": "d m", "W_out": "m d", "W_U": "d classes"},
    "embedded_mlp": {"W_E": "tokens d", "W_in": "d m", "W_out": "m classes"},
    "one_hot_mlp": {"W_in": "tokens m", "W_out": "m classes"},
    "transformer": {
        "W_E": "tokens d",
        "W_V": "d k",
        "W_O": "k d",
        "W_in": "d m",
        "W_out": "m d",
        "W_U": "d classes",
    },
}
"""By model: last two axes of each weight."""

Pair = tuple[int, int]


def check_orientation(model: str, weights: Mapping[str, Float[ndarray, "..."]]) -> None:
    """Refuse weights whose shapes contradict; name those that look transposed.

    Square matrices, and shapes that fit by chance, cannot be told.

    Parameters
    ----------
    model : str
        A key of `AXES`.
    weights : Mapping[str, Float[ndarray, "..."]]
        By the last part of their names.

    Raises
    ------
    ValueError
        If the last two axes of the weights do not fit together.

    References
    ----------
    .. [1] DEFINITIONS.md, section 3 (models and their weights).

    Examples
    --------
    >>> import numpy as np
    >>> shapes = {"W_E": (7, 5), "W_in": (4, 5), "W_out": (4, 7)}
    >>> check_orientation("embedded_mlp", {name: np.ones(shape) for name, shape in shapes.items()})
    Traceback (most recent call last):
    ValueError: W_in: expected (..., d, m), got shape (4, 5); transpose it?
    """
    axes = {name: labels.split() for name, labels in AXES[model].items()}
    for name, W in weights.items():
        if name in axes and W.ndim < 2:
            raise ValueError(f"{name}: expected (..., {', '.join(axes[name])}), got shape {W.shape}")
    sizes: dict[str, Pair] = {name: (W.shape[-2], W.shape[-1]) for name, W in weights.items() if name in axes}
    if _fits(axes, sizes):
        return
    if turned := _turned(axes, sizes):
        raise ValueError(
            "; ".join(
                f"{name}: expected (..., {', '.join(axes[name])}), got shape {weights[name].shape}"
                for name in turned
            )
            + f"; transpose {'it' if len(turned) == 1 else 'them'}?"
        )
    shapes = "; ".join(f"{name} (..., {', '.join(axes[name])}), got {weights[name].shape}" for name in sizes)
    raise ValueError(f"weights: expected shapes that fit together: {shapes}")


def transposed_hint(one: Sequence[int], other: Sequence[int]) -> str:
    """Return a question for an error message if one shape is the other, turned.

    Parameters
    ----------
    one, other : Sequence[int]
        Shapes of two matrices that should be equal.

    Returns
    -------
    str
        Empty if transposing one of them would not help.

    Examples
    --------
    >>> transposed_hint((3, 5, 4), (3, 4, 5))
    '; transpose one of them?'
    """
    is_turned = len(one) > 1 and (*one[:-2], one[-1], one[-2]) == tuple(other)
    return "; transpose one of them?" if is_turned else ""


def _fits(axes: Mapping[str, Sequence[str]], sizes: Mapping[str, Pair]) -> bool:
    """True if every axis has one size; there may be more tokens than classes."""
    by_label: dict[str, set[int]] = {}
    for name, pair in sizes.items():
        for label, size in zip(axes[name], pair, strict=True):
            by_label.setdefault(label, set()).add(size)
    is_single = all(len(different) == 1 for different in by_label.values())
    return is_single and max(by_label["tokens"]) >= max(by_label["classes"])


def _turned(axes: Mapping[str, Sequence[str]], sizes: Mapping[str, Pair]) -> tuple[str, ...]:
    """Names of the fewest matrices that fit when transposed; none if several choices do."""

    def choices(n: int) -> Iterator[tuple[str, ...]]:
        for names in combinations(sizes, n):
            if _fits(axes, {**sizes, **{name: (sizes[name][1], sizes[name][0]) for name in names}}):
                yield names

    for n in range(1, len(sizes) + 1):
        if fitting := list(choices(n)):
            return fitting[0] if len(fitting) == 1 else ()
    return ()
