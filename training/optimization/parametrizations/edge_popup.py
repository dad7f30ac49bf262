"""Edge-popup: weights chosen by their trained scores."""

from __future__ import annotations

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
        layers = self.scores_rw.abs().split(self.sizes, dim=1)
        masks = [keep_largest(scores, keep_count(scores.shape[1], self.density)) for scores in layers]
        return torch.cat(masks, dim=1)

    def choice_slope(self) -> Tensor:
        """Return the sign of the score."""
        return self.scores_rw.sign()


def keep_largest(scores_rw: Tensor, n_kept: int) -> Tensor:
    """Return 1 for the `n_kept` largest of each row.

    Ties go to the lower index; the rest is 0. By selection of the least score kept, not by a sort, which is
    five times slower at these sizes.
    """
    least_r1 = scores_rw.kthvalue(scores_rw.shape[1] - n_kept + 1, dim=1, keepdim=True).values
    above_rw, tied_rw = scores_rw > least_r1, scores_rw == least_r1
    room_r1 = n_kept - above_rw.sum(1, keepdim=True)
    return (above_rw | tied_rw & (tied_rw.cumsum(1) <= room_r1)).to(scores_rw.dtype)
