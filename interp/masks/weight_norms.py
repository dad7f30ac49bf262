"""Norms of a network's weights, and the spread of several norms.

Shape letters: n = norms compared; "..." = any shape of a weight.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from interp.masks.topk import GLOBAL, check_layers


def weight_norm(
    weights: Mapping[str, Float[np.ndarray, "..."]],
    q: Literal[1, 2],
    mask: Mapping[str, Bool[np.ndarray, "..."]] | None = None,
) -> dict[str, float]:
    """L1 or L2 norm of each layer and of all layers ("global").

    The norm is entrywise: each layer, and all layers together, count as one vector. It is computed in float64
    whatever the weights' type, where squares of float32 are exact.

    Parameters
    ----------
    weights : Mapping[str, Float[np.ndarray, "..."]]
        Weights by name.
    q : {1, 2}
        ‖·‖₁ (sum of magnitudes) or ‖·‖₂ (root of the sum of squares).
    mask : Mapping[str, Bool[np.ndarray, "..."]], optional
        True = counted; with the weights' names and shapes. Without a mask every weight counts.

    Returns
    -------
    dict[str, float]
        In the units of the weights; the layers in order, then "global". The norm is not divided by the number
        of weights, so norms under masks of different densities differ by their counts too.

    Raises
    ------
    ValueError
        If `q` is neither 1 nor 2, names or shapes of the mask differ, or there are no layers, an empty one,
        or one called "global".

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (L1 and L2 norms through training).

    Examples
    --------
    >>> weights = {"W_E": np.array([[3.0, -4.0]]), "W_U": np.array([[12.0], [0.0]])}
    >>> weight_norm(weights, 2)
    {'W_E': 5.0, 'W_U': 12.0, 'global': 13.0}
    >>> weight_norm(weights, 1, {"W_E": np.array([[False, True]]), "W_U": np.array([[True], [True]])})
    {'W_E': 4.0, 'W_U': 12.0, 'global': 16.0}
    """
    if q not in (1, 2):
        raise ValueError(f"q: expected 1 or 2, got {q!r}")
    check_layers(weights)
    if mask is not None:
        shapes, mask_shapes = ({name: x.shape for name, x in layers.items()} for layers in (weights, mask))
        if shapes != mask_shapes:
            raise ValueError(
                f"mask: expected the names and shapes of the weights, {shapes}, got {mask_shapes}"
            )
    sums = {}
    for name, w in weights.items():
        size = (
            np.abs(w, dtype=np.float64) if mask is None else np.abs(np.where(mask[name], w, 0), dtype=float)
        )
        sums[name] = float((size**q).sum())
    sums[GLOBAL] = sum(sums.values())
    return {name: total ** (1 / q) for name, total in sums.items()}


def relative_spread(norms: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Spread of positive numbers, in three measures without a unit.

    A common factor of all norms cancels, so the spreads of L1 and L2 norms, or of norms over different
    numbers of weights, may be compared.

    Parameters
    ----------
    norms : Float[np.ndarray, " n"]
        Positive, one per network.

    Returns
    -------
    dict[str, float]
        "log_sd": standard deviation of the natural logarithm (n − 1); "cv": standard deviation (n − 1) over
        the mean, close to log_sd where both are small; "max_over_min": largest over least. The first two are
        NaN for n = 1.

    Raises
    ------
    ValueError
        If there is no norm, or one is not positive or not finite.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (there zones of norms are compared by eye; the measures
       are ours).

    Examples
    --------
    >>> {name: round(value, 3) for name, value in relative_spread(np.array([1.0, 2.0, 4.0])).items()}
    {'log_sd': 0.693, 'cv': 0.655, 'max_over_min': 4.0}
    """
    if not (norms.size and np.isfinite(norms).all() and (norms > 0).all()):
        raise ValueError(f"norms: expected positive numbers, at least one, got {norms.tolist()}")
    several = norms.size > 1
    return {
        "log_sd": float(np.log(norms).std(ddof=1)) if several else np.nan,
        "cv": float(norms.std(ddof=1) / norms.mean()) if several else np.nan,
        "max_over_min": float(norms.max() / norms.min()),
    }
