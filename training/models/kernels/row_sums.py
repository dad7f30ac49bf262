"""Sums of rows by index.

They are the transpose of taking rows of a table.
Additions happen in one fixed order, on a GPU too, so that the same seed gives the same bytes: by an embedding
bag, where `index_add_` would be atomic.

Shapes: r arms, v values of an arm, c occurrences, in each arm equally many.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class RowSums:
    """Sums of the values of each row of a table, one table for each arm.

    Parameters
    ----------
    row_rc : Tensor
        The row of the arm's table that each occurrence took.
    value_c : Tensor
        Index among the arm's values of the value that each occurrence brings back.
    n_rows, n_values : int
        Rows and values of an arm.
    """

    def __init__(self, row_rc: Tensor, value_c: Tensor, n_rows: int, n_values: int):
        self.value_c, self.n_rows, self.n_values = value_c, n_rows, n_values
        self.order, self.values = torch.empty_like(row_rc), torch.empty_like(row_rc)
        self.first = row_rc.new_empty(len(row_rc), n_rows)
        for arm, row_c in enumerate(row_rc):
            self.replace(arm, row_c)

    def replace(self, arm: int, row_c: Tensor) -> None:
        """Overwrite the rows of an arm's occurrences."""
        order, n_before = row_c.argsort(stable=True), arm * len(row_c)
        self.order[arm] = order + n_before
        self.values[arm] = self.value_c[order] + arm * self.n_values
        sizes = torch.bincount(row_c, minlength=self.n_rows)
        self.first[arm] = sizes.cumsum(0) - sizes + n_before

    def sums(self, values: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the (row, width) sums of (value, width) values, arm after arm.

        With `weights`, each occurrence is multiplied by its own.
        """
        ordered = None if weights is None else weights[self.order.flatten()]
        bags = self.values.flatten(), values, self.first.flatten()
        return embedding_bag(*bags, mode="sum", per_sample_weights=ordered)
