"""Initial weights of pruned and norm-controlled networks.

Every start is a function of θ₀, a mask of its matrices, a generator, a function from a weight's name and
shape to its standard deviation at θ₀, and a scope. It returns new weights by name, in the types of θ₀. Only
kept places matter in a pruned arm: its mask is applied afterwards.

Shape letters: "..." = any shape of a weight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from interp.masks.topk import GLOBAL
from interp.masks.weight_norms import weight_norm
from training.models.weight_names import prunable

Arrays = Mapping[str, Float[np.ndarray, "..."]]
Masks = Mapping[str, Bool[np.ndarray, "..."]]
NormScope = Literal["global", "mean_per_tensor"]
Deviation = Callable[[str, tuple[int, ...]], float]
Start = Callable[[Arrays, Masks, np.random.Generator, Deviation, NormScope], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Initialization:
    """Start of an arm: its function, and what it needs of a source arm."""

    start: Start
    """Returns new weights, in the types of θ₀."""
    needs_mask: bool = False
    """An arm without a pruning method reads its source's mask."""
    keeps_weights: bool = False
    """The arm starts from its own initial weights, unchanged."""


def rewind(
    initial: Arrays, mask: Masks, generator: np.random.Generator, deviation: Deviation, scope: NormScope
) -> dict[str, np.ndarray]:
    """Start from θ₀ itself.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (the winning ticket's start).
    """
    _check(initial, mask)
    return {name: w.copy() for name, w in initial.items()}


def random_reinit(
    initial: Arrays, mask: Masks, generator: np.random.Generator, deviation: Deviation, scope: NormScope
) -> dict[str, np.ndarray]:
    """Start from new draws of the law of θ₀.

    References
    ----------
    .. [1] Frankle and Carbin, arXiv:1803.03635, Sec. 2 (random reinitialization);
       Zhou et al., arXiv:1905.01067, Sec. 4.
    """
    _check(initial, mask)
    return {
        name: (deviation(name, w.shape) * generator.standard_normal(w.shape)).astype(w.dtype)
        for name, w in initial.items()
    }


def reshuffle(
    initial: Arrays, mask: Masks, generator: np.random.Generator, deviation: Deviation, scope: NormScope
) -> dict[str, np.ndarray]:
    """Start from θ₀ with kept values permuted within each layer.

    Pruned places and biases keep their values.

    References
    ----------
    .. [1] Zhou et al., arXiv:1905.01067, Sec. 4 (reshuffle).
    """
    _check(initial, mask)
    weights = {name: w.copy() for name, w in initial.items()}
    for name, is_kept in mask.items():
        weights[name][is_kept] = generator.permutation(weights[name][is_kept])
    return weights


def signed_constant(
    initial: Arrays, mask: Masks, generator: np.random.Generator, deviation: Deviation, scope: NormScope
) -> dict[str, np.ndarray]:
    """Start from sign(θ₀)·σ, σ the layer's standard deviation.

    σ is taken over the layer's weights at θ₀, pruned places included.

    References
    ----------
    .. [1] Zhou et al., arXiv:1905.01067, Sec. 4 (constant; σ of the layer's values, where they name the
       standard deviation of its law).
    """
    _check(initial, mask)
    return {name: (np.sign(w) * np.std(w, dtype=np.float64)).astype(w.dtype) for name, w in initial.items()}


def norm_controlled(
    initial: Arrays,
    mask: Masks,
    generator: np.random.Generator,
    deviation: Deviation,
    scope: NormScope,
    *,
    q: Literal[1, 2],
) -> dict[str, np.ndarray]:
    """Start from θ₀ scaled to the norm of a ticket, unmasked.

    The factor is `norm_ratio(initial, mask, q, scope)`: the dense control of a ticket's norm.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (controlled dense networks).
    """
    ratio = norm_ratio(initial, mask, q, scope)
    return {name: (ratio * w).astype(w.dtype) for name, w in initial.items()}


def norm_ratio(initial: Arrays, mask: Masks, q: Literal[1, 2], scope: NormScope = "global") -> float:
    """Return the norm of the kept weights over that of all.

    It is the density (q = 1) or its root (q = 2) where mask and weights are independent, and more where
    large weights are kept.

    Parameters
    ----------
    initial : Arrays
        Weights by name; biases are left out.
    mask : Masks
        True = kept, of the matrices' names and shapes.
    q : {1, 2}
        ‖·‖₁ (sum of magnitudes) or ‖·‖₂ (root of the sum of squares).
    scope : {"global", "mean_per_tensor"}
        One ratio over all weights, or the unweighted mean of every matrix's own.

    Returns
    -------
    float
        Dimensionless, in [0, 1].

    Raises
    ------
    ValueError
        If names or shapes differ, `scope` or `q` is unknown, or all weights that are compared are zero.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (their code takes the mean over tensors).

    Examples
    --------
    >>> weights = {"W_E": np.array([[3.0, 4.0]]), "W_U": np.array([[5.0], [0.0]])}
    >>> mask = {"W_E": np.array([[True, False]]), "W_U": np.array([[True], [True]])}
    >>> round(norm_ratio(weights, mask, 1), 4), round(norm_ratio(weights, mask, 2, "mean_per_tensor"), 4)
    (0.6667, 0.8)
    """
    if scope not in ("global", "mean_per_tensor"):
        raise ValueError(f"scope: expected 'global' or 'mean_per_tensor', got {scope!r}")
    _check(initial, mask)
    matrices = {name: initial[name] for name in mask}
    kept_norms, norms = weight_norm(matrices, q, mask), weight_norm(matrices, q)
    compared = [GLOBAL] if scope == "global" else list(matrices)
    if not all(norms[name] > 0 for name in compared):
        raise ValueError("initial: expected a weight other than zero in every compared matrix, got zeros")
    return float(np.mean([kept_norms[name] / norms[name] for name in compared]))


def _check(initial: Arrays, mask: Masks) -> None:
    shapes = {name: w.shape for name, w in prunable(initial).items()}
    mask_shapes = {name: is_kept.shape for name, is_kept in mask.items()}
    if not shapes or shapes != mask_shapes:
        raise ValueError(f"mask: expected the names and shapes of the weights, {shapes}, got {mask_shapes}")
