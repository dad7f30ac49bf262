"""Weights with an axis of residues, and the waves of frequencies along it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from training.models.weight_names import Shape, prunable
from training.optimization.events.base import Target, check_weights
from training.schema.validation import ConfigError, require

if TYPE_CHECKING:
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


def check_frequencies(target: Target, weights: Sequence[str], frequencies: Sequence[int]) -> None:
    """Raise a `ConfigError` about a weight without residues, or a frequency that p residues lack."""
    if target.residues is None:
        raise ConfigError("frequencies: expected a task on residues mod p, got another")
    check_weights("weights", weights, list(residue_axes(target.shapes, target.residues)))
    require(len(weights) > 0, "weights", "one or more weights", "none")
    most = (target.residues - 1) // 2
    expected = f"one or more different whole numbers from 1 to {most}"
    fits = all(1 <= k <= most for k in frequencies) and len({*frequencies}) == len(frequencies) > 0
    require(fits, "frequencies", expected, list(frequencies))


def waves_of(frequencies: Sequence[int], p: int) -> Tensor:
    """Return the orthonormal waves of frequencies, (p, 2k) in float64."""
    import torch

    from interp.spectra.fourier import fourier_basis

    rows = [row for k in sorted(frequencies) for row in (2 * k - 1, 2 * k)]
    return torch.from_numpy(fourier_basis(p)[rows].T.copy())


def by_residue(weight: Tensor, axis: int, p: int) -> Tensor:
    """Return a view of a matrix with a row per residue, (p, d)."""
    return weight.movedim(axis, 0)[:p]
