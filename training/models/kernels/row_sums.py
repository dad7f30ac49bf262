"""Sums of rows by index.

They are the transpose of taking rows of a table.
Additions happen in one fixed order, on a GPU too, so that the same seed gives the same bytes: by an embedding
bag, where `index_add_` would be atomic.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class RowSums:
    """Sums of the values of each row of a table.

    Parameters
    ----------
    row_of : Tensor
        The row of the table that each occurrence took, flat.
    value_of : Tensor
        Index of the value that each occurrence brings back, flat.
    n_rows : int
        Rows of the table.
    """

    def __init__(self, row_of: Tensor, value_of: Tensor, n_rows: int):
        self.order = row_of.argsort(stable=True)
        self.values = value_of[self.order]
        sizes = torch.bincount(row_of, minlength=n_rows)
        self.first = sizes.cumsum(0) - sizes

    def sums(self, values: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the (row, width) sums of (value, width) values.

        With `weights`, each occurrence is multiplied by its own.
        """
        ordered = None if weights is None else weights[self.order]
        return embedding_bag(self.values, values, self.first, mode="sum", per_sample_weights=ordered)
