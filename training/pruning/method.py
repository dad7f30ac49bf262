"""Interface of pruning methods: `Subject` in, mask out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp.masks.topk import keep_count, keep_top
from training.models.weight_names import prunable

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, np.ndarray]
Mask = dict[str, np.ndarray]
"""1 = kept, by the name of every prunable weight; biases are not among them."""


class CannotPrune(Exception):
    """Reason why a method cannot make a mask.

    The arm is then not trained, and its record holds the reason.
    """


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Network to prune, as arrays by weight name, and the target density."""

    initial: Weights
    """θ₀ of the arm, in the order of the forward pass, biases among it."""
    final: Weights | None
    """Source arm's weights, for a method that reads them: its last checkpoint, or `source_step`'s."""
    source_mask: Mask | None
    """The source arm's mask; None for a dense source or none at all."""
    density: float
    """Fraction kept, in (0, 1]."""
    scope: Literal["global", "layer"]
    min_per_layer: int
    """Smallest number of entries that a weight matrix keeps, if it has as many."""
    generator: np.random.Generator
    """Seeded by the arm's seed and name."""
    outputs: Callable[[Mapping[str, Tensor]], Tensor]
    """The network's outputs on the training examples, differentiable in its float64 weights."""
    loss: Callable[[Tensor], Tensor]
    """The mean training loss of such outputs, differentiable."""
    flow: Callable[[Mapping[str, Tensor]], Tensor]
    """The network's synaptic flow R, differentiable in its absolute float64 weights: see `Model.flow`."""
    layers: Mapping[str, str] | None = None
    """By layer, the source's layer that it copies, for a method that takes layers."""

    @property
    def prunable(self) -> Weights:
        """Return θ₀ of the prunable weights: all but the biases."""
        return prunable(self.initial)

    def keep(self, scores: Weights) -> Mask:
        """Return the mask of the largest scores, with the exact number of kept weights.

        Exactly `keep_count` of all prunable weights are kept, or of each matrix's by scope. Scores of biases
        are ignored. −inf marks weights that may not be kept; those that the source's mask has pruned never
        are. Equal scores are ranked by the order of `scores`, then by index. The minimum per matrix goes to
        its best entries, in place of the worst kept ones of other matrices.

        Raises
        ------
        CannotPrune
            If a score is NaN or +inf, too few weights may be kept, or a weight matrix would be left without
            an entry or below the minimum.
        """
        scores = {name: scores[name] for name in self.prunable}
        for name, score in scores.items():
            if bad := int((np.isnan(score) | np.isposinf(score)).sum()):
                raise CannotPrune(
                    f"the scores of {name} are not finite: {bad} of {score.size} are NaN or inf; choose "
                    "another method, or a source that has not diverged"
                )
        if self.source_mask is not None:
            scores = {name: np.where(self.source_mask[name], s, -np.inf) for name, s in scores.items()}
        scores = {name: _set_apart(name, s, self.min_per_layer) for name, s in scores.items()}
        if self.scope == "layer":
            return {name: self._top(name, s.ravel()).reshape(s.shape) for name, s in scores.items()}
        mask = self._top("the network", np.concatenate([s.ravel() for s in scores.values()]))
        pieces = np.split(mask, np.cumsum([s.size for s in scores.values()])[:-1])
        shaped = zip(scores, pieces, strict=True)
        return without_empty_layers({name: piece.reshape(scores[name].shape) for name, piece in shaped})

    def _top(self, where: str, score: np.ndarray) -> np.ndarray:
        """Return `keep_top` of scores; raise if the density cannot be met."""
        n_kept = keep_count(score.size, self.density)
        share = f"density {self.density:g} keeps {n_kept} of the {score.size} weights of {where}"
        if n_kept > (available := _available(score)):
            raise CannotPrune(
                f"{share}, but only {available} may be kept (the source pruned the others, or the method "
                "rules them out); raise the sparsity"
            )
        if n_kept < (demanded := int(np.isposinf(score).sum())):
            raise CannotPrune(
                f"{share}, but pruning.min_per_layer = {self.min_per_layer} asks for {demanded}; lower it or "
                "the sparsity"
            )
        return keep_top(score, self.density)


def require_finite(weights: Weights) -> None:
    """Raise `CannotPrune` if weights hold NaN or an infinity."""
    for name, w in weights.items():
        if not np.isfinite(w).all():
            raise CannotPrune(f"the weights of {name} are not finite; choose a source that has not diverged")


def without_empty_layers(mask: Mask) -> Mask:
    """Return a mask; raise if it leaves a weight matrix without an entry."""
    empty = [name for name, is_kept in mask.items() if not is_kept.any()]
    if empty:
        raise CannotPrune(
            f"{', '.join(empty)} would be left without a weight; raise pruning.min_per_layer, "
            "set pruning.scope to layer or lower the sparsity"
        )
    return mask


def _available(score: np.ndarray) -> int:
    return score.size - int(np.isneginf(score).sum())


def _set_apart(name: str, score: np.ndarray, least: int) -> np.ndarray:
    """Return scores with the `least` best of a matrix raised above all others."""
    least = min(least, score.size)
    if least == 0:
        return score
    if least > (available := _available(score)):
        raise CannotPrune(
            f"{name}: only {available} of {score.size} weights may be kept, fewer than the {least} of "
            "pruning.min_per_layer; lower it"
        )
    return np.where(keep_top(score.ravel(), least / score.size).reshape(score.shape), np.inf, score)


@dataclass(frozen=True)
class Method:
    """Pruning method: its function, and what it needs of a source arm."""

    prune: Callable[[Subject], Mask]
    """Returns the mask of a `Subject`, 1 = kept."""
    source: Literal["weights", "mask"] | None
    """What it reads of the source arm; None: it needs no source."""
    takes_layers: bool = False
    """The arm names the source layer of each of its layers, in `layers`."""
    scores_start: bool = False
    """The scores are those of the initial weights, although the method names a source."""
