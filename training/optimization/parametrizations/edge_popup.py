"""Edge-popup: weights chosen by their trained scores."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from interp.masks.topk import keep_count
from training.optimization.parametrizations.scores import Scores


class EdgePopup(Scores):
    """The largest |s| of each layer, an exact count.

    The forward ranks |s|, so the gradient carries the sign of s: without it a negative score would move
    against the descent of the loss.

    References
    ----------
    .. [1] Ramanujan et al., arXiv:1911.13299, Sec. 3.
    """

    def choose_mask(self, training: bool) -> Tensor:
        """Return each layer's largest |s|, ties to the lower index."""
        return keep_largest_by_layer(self.scores_rw.abs(), self.sizes, self.densities)

    def choice_slope(self) -> Tensor:
        """Return the sign of the score."""
        return self.scores_rw.sign()


def keep_largest_by_layer(scores_rw: Tensor, sizes: Sequence[int], densities: Sequence[float]) -> Tensor:
    """Return 1 for the largest scores of each layer, by each arm's own density, and 0 elsewhere.

    Ties go to the lower index.

    Parameters
    ----------
    scores_rw : Tensor
        From 0.
    sizes : sequence of int
        Weights of each layer, which lie one after another in a row.
    densities : sequence of float
        Share that is kept of each layer, one per arm.
    """
    if len({*densities}) == 1:
        layers = scores_rw.split(list(sizes), dim=1)
        masks = [keep_largest(layer, keep_count(layer.shape[1], densities[0])) for layer in layers]
        return torch.cat(masks, dim=1)
    arms = zip(scores_rw.split(1), densities, strict=True)
    return torch.cat([keep_largest_by_layer(row_1w, sizes, [density]) for row_1w, density in arms])


def keep_largest(scores_rw: Tensor, n_kept: int) -> Tensor:
    """Return 1 for the `n_kept` largest of each row.

    Ties go to the lower index; the rest is 0. By selection of the least score kept, not by a sort, which is
    five times slower at these sizes.
    """
    least_r1 = scores_rw.kthvalue(scores_rw.shape[1] - n_kept + 1, dim=1, keepdim=True).values
    above_rw, tied_rw = scores_rw > least_r1, scores_rw == least_r1
    room_r1 = n_kept - above_rw.sum(1, keepdim=True)
    return (above_rw | tied_rw & (tied_rw.cumsum(1) <= room_r1)).to(scores_rw.dtype)
