"""What is trained, and how it becomes the weights of the network.

`TrainedWeights` trains the weights themselves. The score forms keep a network's weights frozen (or train them
along) and learn which of them to keep: every weight has a score, the scores choose a subnetwork, and the
gradient passes through the choice as if it were the identity.

Shapes: r arms, w weights of an arm in a row (layer after layer).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from interp.masks.topk import keep_count
from training.architectures.registry import fan_in


class Form(ABC):
    """The rows that AdamW updates, and the network's weights made from them."""

    trained: list[Tensor]
    """Each (r, w), updated in place."""
    frozen: list[Tensor]
    """Each (r, w), never changed."""

    def network_weights(self) -> Tensor:
        """A row per arm for the network's weights, to be filled by `write`."""
        return torch.empty_like(self.trained[0])

    @abstractmethod
    def write(self, weights_rw: Tensor, training: bool) -> None:
        """Fill in the network's weights, for a step of training or to be looked at."""

    @abstractmethod
    def pull(self, grads_rw: Tensor) -> list[Tensor]:
        """The gradient of each trained row from that of the network's weights, which is used up."""

    def take(self, rows: Tensor) -> None:
        """Go on with these arms alone."""
        self.trained = [t[rows] for t in self.trained]
        self.frozen = [t[rows] for t in self.frozen]

    def randomness(self, row: int) -> dict[str, Tensor]:
        """State of an arm's draws, if it draws, to be saved with it."""
        return {}

    def restore(self, trained: list[Tensor], states: Sequence[Mapping[str, Any]]) -> None:
        """Take up what was saved."""
        self.trained = trained


class TrainedWeights(Form):
    """The weights themselves; pruned ones start at zero, get no gradient and so stay exactly zero.

    The network's weights are the trained row: nothing is copied.
    """

    def __init__(self, weights_rw: Tensor, mask_rw: Tensor | None):
        self.trained = [weights_rw if mask_rw is None else weights_rw * mask_rw]
        self.frozen = [] if mask_rw is None else [mask_rw]

    def network_weights(self) -> Tensor:
        """The trained row itself."""
        return self.trained[0]

    def write(self, weights_rw: Tensor, training: bool) -> None:
        """Nothing to do."""

    def pull(self, grads_rw: Tensor) -> list[Tensor]:
        """The gradient, zero where pruned."""
        for mask_rw in self.frozen:
            grads_rw.mul_(mask_rw)
        return [grads_rw]


class Scores(Form):
    """A subnetwork of `weights_rw` chosen by trained scores, layer by layer.

    Parameters
    ----------
    sizes : sequence of int
        Weights in each layer.
    density : float
        Share of each layer kept.
    train_weights : bool
        Whether the kept weights are trained along with the scores.
    """

    def __init__(
        self, weights_rw: Tensor, scores_rw: Tensor, sizes: Sequence[int], density: float, train_weights: bool
    ):
        self.sizes, self.density, self.train_weights = list(sizes), density, train_weights
        self.trained = [scores_rw, weights_rw] if train_weights else [scores_rw]
        self.frozen = [] if train_weights else [weights_rw]
        self.kept_rw = torch.empty_like(weights_rw)

    @property
    def weights_rw(self) -> Tensor:
        """The weights that the scores choose from."""
        return self.trained[1] if self.train_weights else self.frozen[0]

    @abstractmethod
    def choose(self, training: bool) -> Tensor:
        """The subnetwork that the scores choose now: 0 or 1 per weight, (r, w)."""

    @abstractmethod
    def slope(self) -> Tensor:
        """What the gradient at the choice is multiplied by on its way to the scores."""

    def values(self) -> Tensor:
        """What a kept weight is worth."""
        return self.weights_rw

    def write(self, weights_rw: Tensor, training: bool) -> None:
        """The values of the chosen weights, zero elsewhere."""
        self.kept_rw = self.choose(training)
        torch.mul(self.values(), self.kept_rw, out=weights_rw)

    def pull(self, grads_rw: Tensor) -> list[Tensor]:
        """Straight through the choice to the scores; to the kept weights if they are trained."""
        scores_grad = grads_rw * self.values() * self.slope()
        return [scores_grad, grads_rw.mul_(self.kept_rw)] if self.train_weights else [scores_grad]

    def take(self, rows: Tensor) -> None:
        """Go on with these arms alone."""
        super().take(rows)
        self.kept_rw = self.kept_rw[rows]


class EdgePopup(Scores):
    """The largest |s| of each layer, an exact count.

    The forward ranks |s|, so the gradient carries the sign of s: without it a negative score would move
    away from the loss's wish.

    References
    ----------
    .. [1] Ramanujan et al., arXiv:1911.13299, Sec. 3.
    """

    def choose(self, training: bool) -> Tensor:
        """The top of each layer by |s|, ties to the lower index."""
        layers = self.trained[0].abs().split(self.sizes, dim=1)
        kept = [keep_largest(scores, keep_count(scores.shape[1], self.density)) for scores in layers]
        return torch.cat(kept, dim=1)

    def slope(self) -> Tensor:
        """The sign of the score."""
        return self.trained[0].sign()


def keep_largest(scores_rw: Tensor, n_kept: int) -> Tensor:
    """1 for the `n_kept` largest of each row, ties to the lower index; 0 elsewhere.

    By selection of the least score kept, not by a sort, which is five times slower at these sizes.
    """
    least_r1 = scores_rw.kthvalue(scores_rw.shape[1] - n_kept + 1, dim=1, keepdim=True).values
    above_rw, tied_rw = scores_rw > least_r1, scores_rw == least_r1
    room_r1 = n_kept - above_rw.sum(1, keepdim=True)
    return (above_rw | tied_rw & (tied_rw.cumsum(1) <= room_r1)).to(scores_rw.dtype)


class Biprop(EdgePopup):
    """The same choice; a kept weight is worth its sign times the layer's mean kept magnitude α.

    References
    ----------
    .. [1] Diffenderfer & Kailkhura, arXiv:2103.09377, Algorithm 1.
    """

    def values(self) -> Tensor:
        """α·sign(W), α = Σ|W|m / Σm per layer."""
        pieces = []
        weights = self.weights_rw.split(self.sizes, dim=1)
        for weight, kept in zip(weights, self.kept_rw.split(self.sizes, dim=1), strict=True):
            alpha = (weight.abs() * kept).sum(1, keepdim=True) / kept.sum(1, keepdim=True)
            pieces.append(alpha * weight.sign())
        return torch.cat(pieces, dim=1)


class Supermask(Scores):
    """Every weight is kept with probability σ(s), drawn anew at each step.

    `density` is not imposed: it is what the scores come to. What is evaluated and saved is the likeliest
    mask, σ(s) > 1/2.

    References
    ----------
    .. [1] Zhou et al., arXiv:1905.01067, Sec. 4.1.
    """

    def __init__(
        self,
        weights_rw: Tensor,
        scores_rw: Tensor,
        sizes: Sequence[int],
        train_weights: bool,
        generators: Sequence[torch.Generator],
    ):
        super().__init__(weights_rw, scores_rw, sizes, 1.0, train_weights)
        self.generators = list(generators)

    def choose(self, training: bool) -> Tensor:
        """A draw while training, the likeliest mask otherwise."""
        chance_rw = torch.sigmoid(self.trained[0])
        if not training:
            return (chance_rw > 0.5).to(chance_rw.dtype)
        draws = [torch.bernoulli(c, generator=g) for c, g in zip(chance_rw, self.generators, strict=True)]
        return torch.stack(draws)

    def take(self, rows: Tensor) -> None:
        """Go on with these arms alone."""
        super().take(rows)
        self.generators = [self.generators[int(row)] for row in rows]

    def randomness(self, row: int) -> dict[str, Tensor]:
        """State of the arm's generator."""
        return {"generator": self.generators[row].get_state()}

    def restore(self, trained: list[Tensor], states: Sequence[Mapping[str, Any]]) -> None:
        """Take up what was saved."""
        super().restore(trained, states)
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state["generator"])

    def slope(self) -> Tensor:
        """Of the sigmoid."""
        chance_rw = torch.sigmoid(self.trained[0])
        return chance_rw * (1 - chance_rw)


def initial_scores(shapes: Mapping[str, tuple[int, ...]], seed: int) -> Tensor:
    """Scores of one arm in a row: uniform within ±1/√fan_in, by the seed alone (arXiv:1911.13299)."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for name, shape in shapes.items():
        bound = 1 / math.sqrt(fan_in(name, shape))
        rows.append((torch.rand(math.prod(shape), generator=generator) * 2 - 1) * bound)
    return torch.cat(rows)
