"""Forward pass of Minegishi et al.'s MLP in NumPy.

The card of exported weights prints `forward`, which needs NumPy and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

FORMULA = "logits(a, b) = relu((W_E[a] + W_E[b]) W_in) W_out W_U"


def forward(
    weights: Mapping[str, np.ndarray], pairs: Int[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n classes"]:
    """Return the logits of pairs of residues."""
    hidden = np.maximum(weights["W_E"][pairs].sum(axis=1) @ weights["W_in"], 0)
    return hidden @ weights["W_out"] @ weights["W_U"]
