"""Choice of each layer's largest scores, by each arm's own density.

There are two ways, with equal masks: by selection, layer by layer, which is fastest on a CPU, and by sorts of
whole rows, which takes few kernels whatever the layers and densities. `layer_choice` picks by device.

Shapes: r arms, w weights of an arm in a row (layer after layer), l layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from interp.masks.topk import keep_count


def layer_choice(sizes: Sequence[int], densities: Sequence[float], like_rw: Tensor) -> LayerChoice:
    """Return the faster way to choose on the device of `like_rw`.

    Parameters
    ----------
    sizes : sequence of int
        Weights of each layer, which lie one after another in a row.
    densities : sequence of float
        Share of each layer that is kept, one per arm.
    like_rw : Tensor
        Of the masks' shape, type and device.
    """
    kind = SelectedByLayer if like_rw.device.type == "cpu" else SortedByLayer
    return kind(sizes, densities, like_rw)


class LayerChoice(ABC):
    """Masks of the largest scores of each layer, ties to the lower index."""

    def __init__(self, sizes: Sequence[int], densities: Sequence[float], like_rw: Tensor):
        self.sizes, self.densities = list(sizes), list(densities)
        assert len(self.densities) == len(like_rw) and sum(self.sizes) == like_rw.shape[1]

    @abstractmethod
    def write_mask(self, magnitudes_rw: Tensor, mask_rw: Tensor) -> None:
        """Write 1 for the largest of each layer into `mask_rw`, and 0 elsewhere."""

    @abstractmethod
    def kept_means(self, values_rw: Tensor, mask_rw: Tensor) -> Tensor:
        """Return, at each weight, the mean over its layer of the values that `mask_rw` keeps."""

    def counts(self, slot: int) -> list[int]:
        """Return the number of weights that an arm keeps of each layer."""
        return [keep_count(size, self.densities[slot]) for size in self.sizes]

    def refill(self, slot: int, density: float) -> None:
        """Give a slot the density of another arm, in place."""
        self.densities[slot] = density

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        self.densities = [self.densities[row] for row in rows]


class SelectedByLayer(LayerChoice):
    """Choice by the least score kept of each layer; arms of one density together."""

    def write_mask(self, magnitudes_rw: Tensor, mask_rw: Tensor) -> None:
        """Write 1 for the largest of each layer into `mask_rw`, and 0 elsewhere."""
        is_alike = len({*self.densities}) == 1
        for arms in [slice(None)] if is_alike else [slice(n, n + 1) for n in range(len(mask_rw))]:
            layers = magnitudes_rw[arms].split(self.sizes, dim=1)
            masks = mask_rw[arms].split(self.sizes, dim=1)
            for layer, mask, n_kept in zip(layers, masks, self.counts(arms.start or 0), strict=True):
                mask.copy_(keep_largest(layer, n_kept))

    def kept_means(self, values_rw: Tensor, mask_rw: Tensor) -> Tensor:
        """Return, at each weight, the mean over its layer of the values that `mask_rw` keeps."""
        layers = zip(values_rw.split(self.sizes, dim=1), mask_rw.split(self.sizes, dim=1), strict=True)
        means = [
            ((values * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)).expand_as(values)
            for values, mask in layers
        ]
        return torch.cat(means, dim=1)


class SortedByLayer(LayerChoice):
    """Choice by two stable sorts of every row: by score, then by layer.

    Sorted so, a layer's weights lie where they lay before, largest first: which places are kept does not
    change from step to step.
    """

    def __init__(self, sizes: Sequence[int], densities: Sequence[float], like_rw: Tensor):
        super().__init__(sizes, densities, like_rw)
        device, dtype = like_rw.device, like_rw.dtype
        layer_w = torch.arange(len(sizes)).repeat_interleave(torch.tensor(self.sizes))
        self.layer_w = layer_w.to(device)
        self.short_layer_w = layer_w.to(device, torch.int16)
        self.in_layer_wl = torch.nn.functional.one_hot(layer_w, len(sizes)).to(device, dtype)
        slots = range(len(like_rw))
        self.counts_rl = torch.tensor([self.counts(slot) for slot in slots], device=device, dtype=dtype)
        self.is_kept_place_rw = torch.stack([self._kept_places(slot) for slot in slots]).to(like_rw)

    def write_mask(self, magnitudes_rw: Tensor, mask_rw: Tensor) -> None:
        """Write 1 for the largest of each layer into `mask_rw`, and 0 elsewhere."""
        by_score_rw = magnitudes_rw.sort(dim=1, descending=True, stable=True).indices
        by_layer_rw = self.short_layer_w[by_score_rw].sort(dim=1, stable=True).indices
        mask_rw.scatter_(1, by_score_rw.gather(1, by_layer_rw), self.is_kept_place_rw)

    def kept_means(self, values_rw: Tensor, mask_rw: Tensor) -> Tensor:
        """Return, at each weight, the mean over its layer of the values that `mask_rw` keeps."""
        means_rl = (values_rw * mask_rw) @ self.in_layer_wl / self.counts_rl
        return means_rl.index_select(1, self.layer_w)

    def refill(self, slot: int, density: float) -> None:
        """Give a slot the density of another arm, in place."""
        super().refill(slot, density)
        self.counts_rl[slot].copy_(torch.tensor(self.counts(slot)))
        self.is_kept_place_rw[slot].copy_(self._kept_places(slot))

    def keep_arms(self, rows: Sequence[int]) -> None:
        """Drop every arm but these."""
        super().keep_arms(rows)
        self.counts_rl, self.is_kept_place_rw = self.counts_rl[rows], self.is_kept_place_rw[rows]

    def _kept_places(self, slot: int) -> Tensor:
        """Return 1 for the first places of each layer, as many as are kept, on the host."""
        counts = zip(self.sizes, self.counts(slot), strict=True)
        return torch.cat([(torch.arange(size) < n_kept).float() for size, n_kept in counts])


def keep_largest(scores_rw: Tensor, n_kept: int) -> Tensor:
    """Return 1 for the `n_kept` largest of each row.

    Ties go to the lower index; the rest is 0. By selection of the least score kept, not by a sort, which is
    five times slower at these sizes.
    """
    least_r1 = scores_rw.kthvalue(scores_rw.shape[1] - n_kept + 1, dim=1, keepdim=True).values
    above_rw, tied_rw = scores_rw > least_r1, scores_rw == least_r1
    room_r1 = n_kept - above_rw.sum(1, keepdim=True)
    return (above_rw | tied_rw & (tied_rw.cumsum(1) <= room_r1)).to(scores_rw.dtype)
