"""Forward pass of He et al.'s network in NumPy.

The card of exported weights prints `forward`, which needs NumPy and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

FORMULA = (
    "logits(a, b) = σ(T[a] + T[b]) W_out, T = W_in, or W_E W_in with a trained embedding; σ is the activation"
)


def forward(
    weights: Mapping[str, np.ndarray], pairs: Int[np.ndarray, "n 2"], activation: str = "relu"
) -> Float[np.ndarray, "n classes"]:
    """Return the logits of pairs of residues."""
    functions: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "relu": lambda x: np.maximum(x, 0),
        "square": np.square,
        "abs": np.abs,
        "cube": lambda x: x**3,
        "fourth": lambda x: x**4,
        "exp": np.exp,
        "softplus": lambda x: np.logaddexp(x, 0),
    }
    table = weights["W_E"] @ weights["W_in"] if "W_E" in weights else weights["W_in"]
    return functions[activation](table[pairs].sum(axis=1)) @ weights["W_out"]
