"""Weights with an axis of residues, and the waves of frequencies along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from training.models.weight_names import Shape, prunable

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


def residue_axes(shapes: Mapping[str, Shape], p: int) -> dict[str, int]:
    """Return the axis of the residues, by weight that has one.

    It is the rows of the first matrix and the columns of the last one; further entries along it, as the
    token "=", belong to no residue.

    Examples
    --------
    >>> residue_axes({"W_E": (8, 4), "W_in": (4, 9), "W_U": (9, 7)}, 7)
    {'W_E': 0, 'W_U': 1}
    """
    matrices = {name: shape for name, shape in prunable(shapes).items() if len(shape) == 2}
    if not matrices:
        return {}
    first, last = next(iter(matrices)), list(matrices)[-1]
    ends = {first: 0, last: 1}
    return {name: axis for name, axis in ends.items() if matrices[name][axis] in (p, p + 1)}


def waves_of(frequencies: Sequence[int], p: int) -> Tensor:
    """Return the orthonormal waves of frequencies, (p, 2k) in float64."""
    import torch

    from interp.spectra.fourier import fourier_basis

    rows = [row for k in sorted(frequencies) for row in (2 * k - 1, 2 * k)]
    return torch.from_numpy(fourier_basis(p)[rows].T.copy())


def by_residue(weight: Tensor, axis: int, p: int) -> Tensor:
    """Return a view of a matrix with a row per residue, (p, d)."""
    return weight.movedim(axis, 0)[:p]


def key_frequencies_of(weights: Mapping[str, np.ndarray], axes: Mapping[str, int], p: int) -> set[int]:
    """Return the frequencies whose norm is at least half of the largest, in one of some weights or more.

    Parameters
    ----------
    axes : mapping
        Axis of the residues of the weights that are looked at, by name.
    """
    import numpy as np

    from interp.mechanism.key_frequency_rules import embedding_key_frequencies

    rows = [np.moveaxis(weights[name], axis, 0)[:p].astype(float) for name, axis in axes.items()]
    return {int(k) for weight in rows for k in embedding_key_frequencies(weight)}
