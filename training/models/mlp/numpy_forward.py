"""Forward pass of a ReLU network in NumPy.

The card of exported weights prints `forward`, which needs NumPy and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

FORMULA = "outputs(x) = relu(… relu(relu(x W_0) W_1) …) W_last"


def forward(
    weights: Mapping[str, np.ndarray], features: Float[np.ndarray, "n features"]
) -> Float[np.ndarray, "n outputs"]:
    """Return the outputs of examples."""
    for layer in range(len(weights) - 1):
        features = np.maximum(features @ weights[f"W_{layer}"], 0)
    return features @ weights[f"W_{len(weights) - 1}"]
