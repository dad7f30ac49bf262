"""What a pruning method is given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from interp.masks.topk import keep_count, keep_top
from training.architectures.registry import prunable

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, np.ndarray]
Mask = dict[str, np.ndarray]
"""1 = kept, by the name of every prunable weight; biases are not among them."""


class CannotPrune(Exception):
    """A mask that cannot be had, or would leave nothing to train: the arm is not trained, and its record
    says why."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The network to be pruned, as arrays by weight name, and how far."""

    initial: Weights
    """θ₀ of the arm, in the order of the forward pass, biases among it."""
    final: Weights | None
    """The source arm's weights, for a method that needs them: its last checkpoint, or the one asked for."""
    source_mask: Mask | None
    """The source arm's mask; None for a dense source or none at all."""
    density: float
    """Fraction kept, in (0, 1]."""
    scope: Literal["global", "layer"]
    min_per_layer: int
    """Every weight matrix keeps at least so many entries, or all it has."""
    generator: np.random.Generator
    """Seeded by the arm's seed and name."""
    outputs: Callable[[Mapping[str, Tensor]], Tensor]
    """The network's outputs on the training examples, differentiable in its float64 weights."""
    loss: Callable[[Tensor], Tensor]
    """The mean training loss of such outputs, differentiable."""
    flow: Callable[[Mapping[str, Tensor]], Tensor]
    """The network's synaptic flow R, differentiable in its absolute float64 weights: see `Model.flow`."""
    layers: Mapping[str, str] | None = None
    """Which of the source's layers each of these is a copy of, for a method that needs it."""

    @property
    def prunable(self) -> Weights:
        """θ₀ of what a mask covers: all but the biases."""
        return prunable(self.initial)

    def keep(self, scores: Weights) -> Mask:
        """The mask of the largest scores: exactly `keep_count` of all prunable weights, or of each matrix's.

        Scores of biases, if there are any, count for nothing.
        −inf marks what may not be kept; what the source's own mask has pruned never is. Equal scores are
        ranked by the order of `scores`, then by index. The minimum per matrix is given to its best entries,
        at the cost of the worst kept ones elsewhere.

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
                    f"the scores of {name} are not finite: {bad} of {score.size} are NaN or inf"
                )
        if self.source_mask is not None:
            scores = {name: np.where(self.source_mask[name], s, -np.inf) for name, s in scores.items()}
        scores = {name: _set_apart(name, s, self.min_per_layer) for name, s in scores.items()}
        if self.scope == "layer":
            return {name: self._top(name, s.ravel()).reshape(s.shape) for name, s in scores.items()}
        kept = self._top("the network", np.concatenate([s.ravel() for s in scores.values()]))
        pieces = np.split(kept, np.cumsum([s.size for s in scores.values()])[:-1])
        shaped = zip(scores, pieces, strict=True)
        return whole({name: piece.reshape(scores[name].shape) for name, piece in shaped})

    def _top(self, where: str, score: np.ndarray) -> np.ndarray:
        """`keep_top`, refused if fewer may be kept than are to be, or more must be."""
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
    """Refuse weights that hold NaN or an infinity, naming the matrix."""
    for name, w in weights.items():
        if not np.isfinite(w).all():
            raise CannotPrune(f"the weights of {name} are not finite")


def whole(mask: Mask) -> Mask:
    """The mask itself, refused if it leaves a weight matrix without an entry."""
    empty = [name for name, kept in mask.items() if not kept.any()]
    if empty:
        raise CannotPrune(
            f"{', '.join(empty)} would be left without a weight; raise pruning.min_per_layer, "
            "set pruning.scope to layer or lower the sparsity"
        )
    return mask


def _available(score: np.ndarray) -> int:
    return score.size - int(np.isneginf(score).sum())


def _set_apart(name: str, score: np.ndarray, least: int) -> np.ndarray:
    """The scores, the `least` best of a matrix (or all it has) raised above all others."""
    least = min(least, score.size)
    if least == 0:
        return score
    if least > (available := _available(score)):
        raise CannotPrune(
            f"{name}: only {available} of {score.size} weights may be kept, fewer than the {least} of "
            "pruning.min_per_layer"
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
