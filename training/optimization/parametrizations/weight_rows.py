"""Flat rows of stacked weights, and views of them by name.

All weights of an arm are one row.
Shapes: r arms, w weights of an arm in a row (layer after layer).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from training.models.network import Shapes, Weights
from training.models.weight_names import prunable


class RowLayout:
    """Order and shapes of the weights in a row.

    Parameters
    ----------
    shapes : mapping
        Of every weight of one arm, by name.
    """

    def __init__(self, shapes: Shapes):
        self.shapes = dict(shapes)
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]

    def views(self, flat_rw: Tensor) -> Weights:
        """Return views of the rows by name, (arm, *shape) each."""
        pieces = flat_rw.split(self.sizes, dim=1)
        return {
            name: piece.unflatten(1, shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }

    def spans(self, names: Collection[str]) -> list[slice]:
        """Return the parts of a row that hold these weights; neighbors are one part."""
        parts: list[slice] = []
        begin = 0
        for name, size in zip(self.shapes, self.sizes, strict=True):
            if name in names and parts and parts[-1].stop == begin:
                parts[-1] = slice(parts[-1].start, begin + size)
            elif name in names:
                parts.append(slice(begin, begin + size))
            begin += size
        return parts

    def arrays(self, row_w: Tensor) -> dict[str, np.ndarray]:
        """Return a copy of one arm's weights by name, on the CPU."""
        copied = row_w.to("cpu", copy=True)
        return {name: w[0].numpy() for name, w in self.views(copied[None]).items()}

    def stack(self, arms: Sequence[Weights]) -> Tensor:
        """Return the rows of these arms' weights."""
        return torch.stack([torch.cat([w.flatten() for w in arm.values()]) for arm in arms])

    def stack_masks(
        self, masks: Sequence[Mapping[str, np.ndarray] | None], dtype: torch.dtype
    ) -> Tensor | None:
        """Return the rows of these masks, 1 = kept.

        Biases are always kept. None if no arm has a mask.
        """
        if all(mask is None for mask in masks):
            return None
        mask_rw = torch.ones(len(masks), sum(self.sizes), dtype=dtype)
        for name, rows in prunable(self.views(mask_rw)).items():
            for row, mask in zip(rows, masks, strict=True):
                if mask is not None:
                    row.copy_(torch.from_numpy(mask[name]))
        return mask_rw
