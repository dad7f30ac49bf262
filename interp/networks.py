"""What the weights of each network mean: the maps that its neurons see and write.

Shapes: p residues, d = d_emb, m = d_mlp; leading axes (checkpoints) pass through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np
from jaxtyping import Float

FACTORS = {
    "embed_mlp": (("W_E", "W_in"), ("W_out", "W_U")),
    "one_hot_mlp": (("W_in",), ("W_out",)),
}
"""Weights of each model before its neurons and after them, each stored (units in, units out)."""


def effective_maps(
    model: str, weights: Mapping[str, Float[np.ndarray, ...]]
) -> tuple[Float[np.ndarray, "... m p"], Float[np.ndarray, "... m p"]]:
    """What each neuron receives from every residue, and what it writes to every class.

    For `embed_mlp`: rows of (W_E W_in)ᵀ and of W_out W_U; for `one_hot_mlp`: of W_inᵀ and of W_out.

    Parameters
    ----------
    model : str
        A key of `FACTORS`.
    weights : Mapping[str, Float[np.ndarray, "..."]]
        By name, pruned entries zero; leading axes (checkpoints) alike in all.

    Returns
    -------
    input_map : Float[np.ndarray, "... m p"]
        Entry (i, a): the pre-activation that residue `a` adds to neuron `i`. float64.
    output_map : Float[np.ndarray, "... m p"]
        Entry (i, c): the logit that a unit activation of neuron `i` adds to class `c`. float64.

    Raises
    ------
    ValueError
        If the model is unknown or a weight is missing.

    References
    ----------
    .. [1] Minegishi et al., arXiv:2310.19470, Sec. 4 (weights of the neurons in residue space).
    .. [2] He et al., arXiv:2602.16849 (θ_m and ξ_m).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shapes = {"W_E": (5, 4), "W_in": (4, 2), "W_out": (2, 4), "W_U": (4, 5)}
    >>> weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    >>> [m.shape for m in effective_maps("embed_mlp", weights)]
    [(2, 5), (2, 5)]
    """
    if model not in FACTORS:
        raise ValueError(f"model: expected one of {', '.join(sorted(FACTORS))}, got {model!r}")
    before, after = FACTORS[model]
    if missing := [name for name in (*before, *after) if name not in weights]:
        expected = ", ".join((*before, *after))
        raise ValueError(f"weights: expected {expected}, and {', '.join(missing)} is missing")
    read, written = (
        reduce(np.matmul, [weights[name].astype(np.float64) for name in factors])
        for factors in (before, after)
    )
    return np.swapaxes(read, -1, -2), written
